//! The SDK on our own HTTPS client.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;

use crate::http::{Client, Fault, Kind};

/// The client as the SDK takes it. Its time limits are the client's own.
pub(super) fn shared(client: Client) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(client));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Connector(Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?
                .map(|body| body.map_err(Into::<Box<dyn StdError + Send + Sync>>::into))
                .map(BodyExt::boxed_unsync);
            let answer = client.send(request).await.map_err(told)?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// A fault as the SDK's retries know it.
fn told(fault: Fault) -> ConnectorError {
    match fault.kind() {
        // A certificate that is refused once is refused always.
        Kind::Tls => ConnectorError::other(fault.into(), None),
        Kind::Silent => ConnectorError::timeout(fault.into()),
        Kind::Unreachable => ConnectorError::io(fault.into()).never_connected(),
        Kind::Broken => ConnectorError::io(fault.into()),
    }
}
