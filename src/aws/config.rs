//! stand-in
use crate::error::Result;
use aws_config::SdkConfig;
#[derive(Debug)]
pub struct Access {
    pub environment: std::sync::Arc<crate::settings::Environment>,
    pub region: Option<String>,
    pub profile: Option<String>,
}
pub async fn load(access: &Access) -> Result<SdkConfig> {
    let _ = access;
    Ok(aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await)
}
