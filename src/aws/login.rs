//! Logins to a database by way of AWS: tokens of RDS and secrets of Secrets Manager.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Mutex;

use super::config;
use super::error::{Failed, failure};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{AwsSettings, CloudAccess, Secret};

/// How long a token opens new sessions: the most that RDS takes.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long credentials may take to arrive: people type codes.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long before their end credentials are fetched anew: their end is that of a token as well.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// What stands for itself in a query (RFC 3986, 2.3).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who is to log in where.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The name that is dialled: the endpoint of the instance.
    pub host: &'a str,
    pub port: u16,
    pub user: &'a str,
}

/// A token that opens one or more sessions within 15 minutes; made without asking AWS, save for
/// credentials that have to be fetched first.
///
/// # Errors
/// Usage when no region is known; exit 69 without credentials.
pub async fn token(cloud: &CloudAccess, place: Place<'_>) -> Result<Secret> {
    let cannot = |exit| Error::new(exit, format!("cannot make an IAM token for {}", place.user));
    let signer = signer(cloud, || cannot(Exit::Unavailable)).await?;
    let region = cloud.region.as_deref().or(region_of(place.host)).or(signer.region.as_deref());
    let region = region.ok_or_else(|| {
        cannot(Exit::Usage)
            .because(format!("{} is not an endpoint of RDS that names its region", place.host))
            .next("give the endpoint itself as host, or aws_region in pgtend.toml (AWS_REGION)")
    })?;
    sign_token(&signer.credentials, region, place, SystemTime::now())
        .map_err(|cause| Error::bug("cannot sign an IAM token").because(cause))
}

/// What tokens are signed with.
#[derive(Clone)]
struct Signer {
    /// Profile and region that were asked for.
    of: (Option<String>, Option<String>),
    credentials: Credentials,
    /// The one asked for, of the environment, or of the profile.
    region: Option<String>,
    /// When they are fetched anew.
    until: SystemTime,
}

/// Those of the last profile: a run opens many sessions with the same, and to fetch them may take
/// several requests, or a program that asks somebody for a code.
static KNOWN: Mutex<Option<Signer>> = Mutex::const_new(None);

/// The credentials of a profile; what they cannot be had for is `cannot`.
async fn signer(cloud: &CloudAccess, cannot: impl Fn() -> Error) -> Result<Signer> {
    let mut known = KNOWN.lock().await;
    let (now, of) = (SystemTime::now(), (cloud.profile.clone(), cloud.region.clone()));
    if let Some(known) = known.as_ref()
        && known.of == of
        && now < known.until
    {
        return Ok(known.clone());
    }
    let without = |error: Error| {
        error.next(
            "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run aws sso login, \
             or give the machine a role",
        )
    };
    let fetching = async {
        let sdk = config::load(&settings(cloud, None)).await?;
        let provider = sdk.credentials_provider().ok_or_else(|| without(cannot()))?;
        let credentials = provider.provide_credentials().await;
        Ok((credentials.map_err(|cause| without(cannot().caused_by(&cause)))?, sdk))
    };
    let fetched = tokio::time::timeout(PATIENCE, fetching).await;
    let (credentials, sdk) = fetched.unwrap_or_else(|_| {
        let why = format!("no credentials arrived within {} s", PATIENCE.as_secs());
        Err(without(cannot().because(why)))
    })?;
    let end = credentials.expiry().and_then(|end| end.checked_sub(EARLY));
    let signer = Signer {
        of,
        region: sdk.region().map(ToString::to_string).filter(|region| !region.is_empty()),
        until: end.unwrap_or(now + LIFETIME),
        credentials,
    };
    Ok(known.insert(signer).clone())
}

/// The region in the name of an endpoint: `db.abc123.eu-west-1.rds.amazonaws.com`.
pub fn region_of(host: &str) -> Option<&str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let name = host
        .strip_suffix(".rds.amazonaws.com")
        .or_else(|| host.strip_suffix(".rds.amazonaws.com.cn"))?;
    let region = name.rsplit('.').next()?;
    // `xx-name-1`; an instance named so without its own label has no region.
    let shaped = region.split('-').count() >= 3
        && region.ends_with(|c: char| c.is_ascii_digit())
        && name.contains('.');
    shaped.then_some(region)
}

/// The token as RDS reads it: a signed address without its scheme.
fn sign_token(
    credentials: &Credentials,
    region: &str,
    place: Place<'_>,
    now: SystemTime,
) -> Result<Secret, String> {
    let identity = credentials.clone().into();
    let mut settings = SigningSettings::default();
    settings.expires_in = Some(LIFETIME);
    settings.signature_location = SignatureLocation::QueryParams;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("rds-db")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    // Encoded here: a space or a plus would be taken for something else by the signer.
    let user = utf8_percent_encode(place.user, QUERY);
    let address = format!("{}:{}/?Action=connect&DBUser={user}", place.host, place.port);
    let url = format!("https://{address}");
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))
        .map_err(|error| error.to_string())?;
    let (instructions, _) =
        sign(request, &parameters).map_err(|error| error.to_string())?.into_parts();
    let mut token = address;
    for (name, value) in instructions.params() {
        token.push_str(&format!("&{name}={}", utf8_percent_encode(value, QUERY)));
    }
    Ok(Secret::new(token))
}

/// What a secret holds.
#[derive(Debug, Clone)]
pub struct Login {
    /// RDS writes it beside the password.
    pub user: Option<String>,
    pub password: Secret,
}

/// Fetches a secret: the JSON that RDS writes, or a bare password.
///
/// # Errors
/// Exit 69 when it cannot be had, 77 when that is not allowed; never with what it holds.
pub async fn secret(cloud: &CloudAccess, id: &str) -> Result<Login> {
    let what = format!("cannot get the secret {id} from AWS Secrets Manager");
    let cannot = || Error::new(Exit::Unavailable, what.as_str());
    let sdk = config::load(&settings(cloud, region_of_arn(id))).await?;
    if sdk.region().is_none_or(|region| region.as_ref().is_empty()) {
        return Err(Error::usage(what)
            .because("no region is known")
            .next("give the secret's whole ARN, or aws_region in pgtend.toml (AWS_REGION)"));
    }
    let client = aws_sdk_secretsmanager::Client::new(&sdk);
    let answer = client
        .get_secret_value()
        .secret_id(id)
        .send()
        .await
        .map_err(|cause| unavailable(failure(cause), &what))?;
    let text = answer.secret_string().ok_or_else(|| {
        cannot().because("it holds bytes and no text").next("store it as text, or as RDS does")
    })?;
    read_secret(text).map_err(|cause| {
        cannot().because(cause).next("RDS writes {\"username\": .., \"password\": ..}")
    })
}

/// A secret that is not there is a login that is not there.
fn unavailable(failed: Failed, what: &str) -> Error {
    let missing = failed.is(&["ResourceNotFoundException"]);
    let error = failed.into_error(what);
    let error = match error.exit() {
        Exit::Io => error.with_exit(Exit::Unavailable),
        _ => error,
    };
    if missing {
        return error.next("check its name, and the region and account that it is in");
    }
    error
}

fn read_secret(text: &str) -> Result<Login, &'static str> {
    if !text.trim_start().starts_with('{') {
        return match text.trim_end_matches(['\r', '\n']) {
            "" => Err("it is empty"),
            bare => Ok(Login { user: None, password: Secret::new(bare) }),
        };
    }
    // The parser's own words could repeat a part of it.
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| "it starts as JSON and is none")?;
    let field = |name: &str| fields.get(name).and_then(|value| value.as_str());
    match field("password") {
        None | Some("") => Err("its JSON has no \"password\""),
        Some(password) => Ok(Login {
            user: field("username").filter(|user| !user.is_empty()).map(str::to_owned),
            password: Secret::new(password),
        }),
    }
}

/// `arn:aws:secretsmanager:eu-west-1:123456789012:secret:name`.
fn region_of_arn(id: &str) -> Option<&str> {
    let mut parts = id.split(':');
    (parts.next() == Some("arn"))
        .then(|| parts.nth(2))
        .flatten()
        .filter(|region| !region.is_empty())
}

/// What the environment says, under what the target says.
fn settings(cloud: &CloudAccess, region: Option<&str>) -> AwsSettings {
    AwsSettings {
        region: cloud.region.clone().or(region.map(str::to_owned)),
        profile: cloud.profile.clone(),
        ..cloud.environment.aws()
    }
}
