//! stand-in
use crate::error::Error;
use crate::exit::Exit;
pub fn no_credentials(error: Error) -> Error {
    error.next("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or aws_profile in pgtend.toml, or give the machine a role")
}
pub fn refused(what: &str, cause: &(dyn std::error::Error + 'static)) -> Error {
    Error::new(Exit::Unavailable, what).caused_by(cause)
}
