//! Region, credentials and retries: what every client of a service is made from.
//!
//! Where the AWS CLI looks, the SDK looks: `AWS_*` variables, the profiles of `~/.aws`, SSO, a
//! process that hands out credentials, the role of a container or an instance. It reads those
//! variables itself, and not from [`crate::settings::Environment`], for it offers no other way;
//! both are the environment that the process was started with, which nothing here changes.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

use super::connector;
use crate::error::{Error, Result};
use crate::http::Client;
use crate::settings::AwsSettings;

/// Before the second try of a request, at most; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
/// The longest of those pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Finds out how the cloud is reached. Nothing is asked over the network before the first
/// request, save for a region that only the instance knows.
///
/// # Errors
/// Usage: a proxy or a bundle of authorities cannot be used.
pub async fn load(settings: &AwsSettings) -> Result<SdkConfig> {
    let client = connector::shared(Client::new(&settings.http)?);
    let retries = RetryConfig::standard()
        .with_max_attempts(settings.attempts)
        .with_initial_backoff(FIRST_PAUSE)
        .with_max_backoff(LONGEST_PAUSE);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .retry_config(retries)
        // Silence has a limit in the client, both ways, and there a slow reader is not blamed
        // on the network.
        .timeout_config(TimeoutConfig::builder().connect_timeout(settings.http.connect).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = &settings.endpoint {
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            // Not repeated: it may hold a password.
            return Err(Error::usage("invalid --endpoint-url")
                .because("it starts with neither https:// nor http://"));
        }
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    Ok(loader.load().await)
}
