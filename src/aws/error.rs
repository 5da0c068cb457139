//! What went wrong in the cloud, with its code, its request's id and what to do.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::Error;
use crate::exit::Exit;
use crate::http::{Fault, Kind};

/// A request that failed, without the type of its operation.
#[derive(Debug)]
pub struct Failed {
    /// What the service calls it: `NoSuchKey`.
    pub code: Option<String>,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    message: Option<String>,
    request: Option<String>,
    /// The region where the bucket is, when the answer tells.
    region: Option<String>,
    causes: Vec<String>,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The service said no.
    Answered,
    /// No answer, or one cut off: the request may have been obeyed.
    Lost,
    /// No connection.
    Unreachable,
    /// The server's certificate, or its TLS.
    Tls,
    NoCredentials,
    /// The request could not be made.
    Unmade,
}

/// What a failed request says.
pub fn failure<E>(error: SdkError<E, HttpResponse>) -> Failed
where
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
{
    let head = |name: &str| {
        let headers = error.raw_response().map(HttpResponse::headers);
        headers.and_then(|headers| headers.get(name)).map(str::to_owned)
    };
    let request = head("x-amz-request-id").or_else(|| head("x-amzn-requestid"));
    let region = head("x-amz-bucket-region");
    let status = error.raw_response().map(|response| response.status().as_u16());
    let service = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = service.and_then(|meta| meta.code()).map(str::to_owned);
    let message = service.and_then(|meta| meta.message()).map(str::to_owned);
    let why = why(&error);
    // An answer's own words are its message; the rest is told by its causes.
    let causes = if service.is_some() { Vec::new() } else { causes(&error) };
    Failed { code, status, message, request, region, causes, why }
}

fn why<E: StdError + 'static>(error: &SdkError<E, HttpResponse>) -> Why {
    if has::<CredentialsError>(error).is_some() {
        return Why::NoCredentials;
    }
    match (has::<Fault>(error).map(Fault::kind), error) {
        (Some(Kind::Tls), _) => Why::Tls,
        (Some(Kind::Unreachable), _) => Why::Unreachable,
        (Some(Kind::Silent | Kind::Broken), _) => Why::Lost,
        (None, SdkError::ServiceError(_)) => Why::Answered,
        (None, SdkError::ConstructionFailure(_)) => Why::Unmade,
        // The SDK finds no identity to sign with before it asks anybody.
        (None, SdkError::DispatchFailure(failure)) if failure.is_other() => Why::Unmade,
        _ => Why::Lost,
    }
}

/// The cause of a type, somewhere in the chain.
fn has<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// An error with its causes in one line.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let causes = causes(error);
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// The chain's texts, each once, without those that only say that something went wrong.
fn causes(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        let empty = ["other", "io error", "timeout", "dispatch failure", "unhandled error"];
        if !empty.contains(&text.as_str()) && !found.iter().any(|known| known.contains(&text)) {
            found.push(text);
        }
        next = error.source();
    }
    found
}

/// Codes of credentials that are of no use.
const BAD_CREDENTIALS: [&str; 11] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "AuthFailure",
    "NotSignedUp",
];
/// Codes of what a policy forbids.
const DENIED: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AccountProblem",
    "KMS.AccessDeniedException",
    "UnauthorizedAccess",
];
/// Codes of a bucket that lies elsewhere.
const ELSEWHERE: [&str; 4] = [
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "TemporaryRedirect",
];

impl Failed {
    /// An answer that lacks what it has to hold: the request may have been obeyed.
    pub(super) fn lacking(what: &str) -> Self {
        Self::without_answer(format!("the answer has no {what}"), Why::Lost)
    }

    /// Whether the code is one of these.
    pub fn is(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    /// Whether nobody knows if the request was obeyed.
    pub fn is_ambiguous(&self) -> bool {
        self.why == Why::Lost || self.status.is_some_and(|status| status >= 500)
            // A 200 with an error in its body: S3 had begun to obey.
            || self.status.is_some_and(|status| status < 300)
    }

    /// A request that was not made, by a fault of our own.
    pub fn never_sent() -> Self {
        Self::without_answer("the request was never made".to_owned(), Why::Unmade)
    }

    fn without_answer(cause: String, why: Why) -> Self {
        Self {
            code: None,
            status: None,
            message: None,
            request: None,
            region: None,
            causes: vec![cause],
            why,
        }
    }

    /// Whether the same request may succeed later, though it was not obeyed.
    pub fn is_worth_another_try(&self) -> bool {
        let codes =
            ["RequestTimeout", "ConditionalRequestConflict", "OperationAborted", "SlowDown"];
        self.why == Why::Unreachable || self.status == Some(429) || self.is(&codes)
    }

    /// Whether what was asked for is not there.
    pub fn is_missing(&self) -> bool {
        self.is(&["NoSuchKey", "NotFound", "NoSuchUpload"])
            || (self.status == Some(404) && self.code.is_none())
    }

    /// Whether the bytes that were asked for lie behind the object's end.
    pub fn is_beyond_end(&self) -> bool {
        self.status == Some(416) || self.is(&["InvalidRange"])
    }

    /// Whether the server does not know what the request wants.
    pub fn is_unknown_to_server(&self) -> bool {
        let status = matches!(self.status, Some(400 | 501));
        let codes = [
            "NotImplemented",
            "InvalidRequest",
            "InvalidArgument",
            "MalformedXML",
            "XNotImplemented",
        ];
        status && (self.code.is_none() || self.is(&codes))
    }

    /// Whether a condition of the request does not hold: the object exists, or has changed.
    pub fn is_precondition(&self) -> bool {
        self.status == Some(412) || self.is(&["PreconditionFailed"])
    }

    /// The failure: `doing` says what could not be done to which thing.
    pub fn into_error(self, doing: impl Into<String>) -> Error {
        let mut error = Error::new(self.exit(), doing);
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => error = error.because(format!("{code}: {message}")),
            (Some(code), None) => error = error.because(code.clone()),
            (None, Some(message)) => error = error.because(message.clone()),
            (None, None) => {
                if let Some(status) = self.status {
                    error = error.because(format!("the answer is HTTP {status}"));
                }
            }
        }
        for cause in &self.causes {
            error = error.because(cause.clone());
        }
        if let Some(request) = &self.request {
            error = error.because(format!("request id {request}"));
        }
        match self.next() {
            Some(step) => error.next(step),
            None => error,
        }
    }

    fn exit(&self) -> Exit {
        let denied = self.is(&DENIED) || (self.status == Some(403) && self.code.is_none());
        match self.why {
            Why::Unreachable | Why::Tls | Why::NoCredentials | Why::Unmade => Exit::Unavailable,
            _ if denied => Exit::Refused,
            _ if self.is(&BAD_CREDENTIALS) || self.is(&ELSEWHERE) => Exit::Unavailable,
            _ if self.is(&["NoSuchBucket", "RequestTimeTooSkewed"]) => Exit::Unavailable,
            _ if matches!(self.status, Some(301 | 307)) => Exit::Unavailable,
            _ => Exit::Io,
        }
    }

    fn next(&self) -> Option<String> {
        let elsewhere = self.is(&ELSEWHERE) || matches!(self.status, Some(301 | 307));
        Some(match self.why {
            Why::NoCredentials => "set AWS_PROFILE or AWS_ACCESS_KEY_ID and \
                AWS_SECRET_ACCESS_KEY, run aws sso login, or give the machine a role"
                .to_owned(),
            Why::Unreachable => {
                "check the endpoint, the network, and HTTPS_PROXY and NO_PROXY".to_owned()
            }
            Why::Tls => "if a private authority signed the server's certificate, name its \
                 certificates with AWS_CA_BUNDLE"
                .to_owned(),
            _ if self.is(&["RequestTimeTooSkewed"]) => "set this machine's clock".to_owned(),
            _ if self.is(&BAD_CREDENTIALS) => {
                "check the credentials: aws sts get-caller-identity shows whose they are".to_owned()
            }
            _ if elsewhere => match &self.region {
                Some(region) => format!("the bucket is in {region}: give --s3-region {region}"),
                None => "give the region that the bucket is in (--s3-region)".to_owned(),
            },
            _ if self.is(&DENIED) || (self.status == Some(403) && self.code.is_none()) => {
                "let the policy of the role, of the bucket and of its key allow this".to_owned()
            }
            _ if self.is(&["NoSuchBucket"]) => {
                "check the bucket's name and the account: pgtend makes no bucket".to_owned()
            }
            _ if self.is(&["SlowDown", "ServiceUnavailable", "InternalError"])
                || self.why == Why::Lost =>
            {
                "run it again; AWS_MAX_ATTEMPTS raises the number of tries of each request"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    /// An operation's error with nothing in it but its metadata.
    #[derive(Debug)]
    struct Refusal(ErrorMetadata);

    impl std::fmt::Display for Refusal {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("refusal")
        }
    }

    impl StdError for Refusal {}

    impl ProvideErrorMetadata for Refusal {
        fn meta(&self) -> &ErrorMetadata {
            &self.0
        }
    }

    fn answered(status: u16, code: Option<&str>, header: (&'static str, &'static str)) -> Failed {
        let mut answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        answer.headers_mut().insert(header.0, header.1);
        let mut meta = ErrorMetadata::builder().message("No.");
        if let Some(code) = code {
            meta = meta.code(code);
        }
        failure(SdkError::service_error(Refusal(meta.build()), answer))
    }

    fn exit(status: u16, code: Option<&str>) -> Exit {
        answered(status, code, ("x", "y")).into_error("cannot").exit()
    }

    #[test]
    fn each_kind_of_answer_has_its_exit_code() {
        assert_eq!(exit(403, Some("AccessDenied")), Exit::Refused);
        assert_eq!(exit(403, None), Exit::Refused);
        assert_eq!(exit(403, Some("InvalidAccessKeyId")), Exit::Unavailable);
        assert_eq!(exit(403, Some("SignatureDoesNotMatch")), Exit::Unavailable);
        assert_eq!(exit(404, Some("NoSuchBucket")), Exit::Unavailable);
        assert_eq!(exit(301, None), Exit::Unavailable);
        assert_eq!(exit(500, Some("InternalError")), Exit::Io);
        assert_eq!(exit(503, Some("SlowDown")), Exit::Io);
        assert_eq!(exit(400, Some("BadDigest")), Exit::Io);
    }

    #[test]
    fn code_message_and_request_are_told() {
        let failed = answered(403, Some("AccessDenied"), ("x-amz-request-id", "4442587FB7D0A2F9"));
        let error = failed.into_error("cannot write s3://b/k");
        assert_eq!(
            error.to_string(),
            "cannot write s3://b/k: AccessDenied: No.: request id 4442587FB7D0A2F9"
        );
    }

    #[test]
    fn a_bucket_elsewhere_names_its_region() {
        let failed = answered(301, Some("PermanentRedirect"), ("x-amz-bucket-region", "eu-west-3"));
        let error = failed.into_error("cannot list s3://b/");
        assert_eq!(error.next_steps(), ["the bucket is in eu-west-3: give --s3-region eu-west-3"]);
    }

    #[test]
    fn only_what_may_have_been_obeyed_is_ambiguous() {
        let ambiguous = |status, code| answered(status, code, ("x", "y")).is_ambiguous();
        assert!(ambiguous(500, Some("InternalError")) && ambiguous(503, None));
        assert!(ambiguous(200, Some("InternalError")));
        assert!(!ambiguous(412, Some("PreconditionFailed")) && !ambiguous(403, None));
        let io = || ConnectorError::io("reset".into());
        let lost: SdkError<Refusal, HttpResponse> = SdkError::dispatch_failure(io());
        assert!(failure(lost).is_ambiguous());
    }
}
