//! When something was written last: whether a run still is at work somewhere.

use std::time::SystemTime;

use super::{Bucket, Upload, failure, time};
use crate::aws::Failed;

impl Bucket {
    /// The time of the newest object with a prefix, or of the newest part of an upload there that
    /// is not finished; `None` when there is nothing, or the server does not tell.
    pub async fn changed(&self, prefix: &str) -> Result<Option<SystemTime>, Failed> {
        let (mut newest, mut from) = (None, None);
        loop {
            let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
            let answer = request
                .set_continuation_token(from)
                .set_expected_bucket_owner(self.owner.clone())
                .send()
                .await
                .map_err(failure)?;
            let times = answer.contents().iter().filter_map(|object| time(object.last_modified()));
            newest = newest.max(times.max());
            from = answer.next_continuation_token().map(str::to_owned);
            if from.is_none() {
                break;
            }
        }
        for upload in self.uploads(prefix).await? {
            newest = newest.max(upload.begun).max(self.last_part(&upload).await?);
        }
        Ok(newest)
    }

    /// When the newest part of an upload came; `None` without parts, or when it has ended.
    async fn last_part(&self, upload: &Upload) -> Result<Option<SystemTime>, Failed> {
        let (mut newest, mut from) = (None, None);
        loop {
            let request = self.client.list_parts().bucket(&self.name).key(&upload.key);
            let answer = request
                .upload_id(&upload.id)
                .set_part_number_marker(from)
                .set_expected_bucket_owner(self.owner.clone())
                .send()
                .await
                .map_err(failure);
            let answer = match answer {
                Err(failed) if failed.is_missing() => return Ok(None),
                answer => answer?,
            };
            let times = answer.parts().iter().filter_map(|part| time(part.last_modified()));
            newest = newest.max(times.max());
            from = answer.next_part_number_marker().map(str::to_owned);
            if from.is_none() || answer.is_truncated() != Some(true) {
                return Ok(newest);
            }
        }
    }
}
