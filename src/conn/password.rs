//! The password that nobody wrote down: a command prints it, AWS keeps or signs it.

use super::connect::SessionOptions;
use super::password_command;
use crate::aws::login::{self, Place};
use crate::error::Result;
use crate::settings::{Host, Login, Origin, Secret, Target};

/// A password, and where it was had.
pub(super) struct Fetched {
    pub password: Secret,
    pub origin: Origin,
    /// The user that it is for, where that stands beside it.
    pub user: Option<String>,
}

/// What a verbose operator hears before it is fetched.
pub(super) fn telling(login: &Login) -> String {
    match login {
        Login::Command(command) => format!("running the password_command of {}", command.origin),
        Login::SecretsManager { id, cloud } => {
            format!("fetching the secret {id} ({})", cloud.origin)
        }
        Login::Iam(cloud) => format!("making an IAM token ({})", cloud.origin),
    }
}

/// Fetches it; not a token, which is for one host alone.
pub(super) async fn fetch(login: &Login) -> Result<Fetched> {
    match login {
        Login::SecretsManager { id, cloud } => {
            let login::Login { user, password } = login::secret(cloud, id).await?;
            let origin = Origin::SecretsManager(Box::new(cloud.origin.clone()));
            Ok(Fetched { password, origin, user })
        }
        Login::Command(command) => {
            let password = password_command::run(command).await?;
            let origin = Origin::Command(Box::new(command.origin.clone()));
            Ok(Fetched { password, origin, user: None })
        }
        Login::Iam(_) => Err(crate::error::Error::bug("a token was asked for without its host")),
    }
}

/// The user that a secret names, when nobody said which: then it is fetched before the first
/// login.
pub(super) async fn user_of_secret(
    target: &Target,
    options: &SessionOptions,
) -> Result<Option<(String, Origin)>> {
    let Some(login @ Login::SecretsManager { .. }) = &target.login else { return Ok(None) };
    if target.origin("user") != Origin::Default {
        return Ok(None);
    }
    let mut learned = target.learned.lock().await;
    options.tell(|| telling(login));
    let fetched = fetch(login).await?;
    *learned = Some((fetched.password, fetched.origin.clone()));
    Ok(fetched.user.map(|user| (user, fetched.origin)))
}

/// The host with a token of its own, where the target logs in with one. Each login wants a new
/// one: they live 15 minutes.
pub(super) async fn with_token(target: &Target, host: &Host) -> Result<Host> {
    let Some(Login::Iam(cloud)) = &target.login else { return Ok(host.clone()) };
    let place = Place { host: host.tls_name(), port: host.port, user: &target.user };
    let token = login::token(cloud, place).await?;
    let origin = Origin::Iam(Box::new(cloud.origin.clone()));
    Ok(Host { password: Some((token, origin)), ..host.clone() })
}
