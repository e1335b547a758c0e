//! The service token: what the services of one installation know and nobody else.

use base::{Code, Error};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::status::to_status;

/// The shared secret of an installation's services, or none on loopback.
///
/// As an [`Interceptor`] of a client it signs every call; as a [`Guard`] of a server it refuses those without it.
#[derive(Clone, Debug, Default)]
pub struct ServiceToken(Option<MetadataValue<Ascii>>);

impl ServiceToken {
    /// No token: everybody who can reach the port may call.
    pub const fn none() -> Self {
        ServiceToken(None)
    }

    /// A token of visible ASCII characters.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` for other characters and for fewer than 16 of them.
    pub fn new(token: &str) -> Result<Self, Error> {
        let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
        match format!("Bearer {token}").parse::<MetadataValue<Ascii>>() {
            Ok(mut value) if visible && token.len() >= 16 => {
                value.set_sensitive(true);
                Ok(ServiceToken(Some(value)))
            }
            _ => Err(Error::invalid("service_token", "at least 16 visible ASCII characters")),
        }
    }

    /// What checks this token on a server.
    pub fn guard(&self) -> Guard {
        Guard(self.0.clone())
    }
}

impl Interceptor for ServiceToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Refuses calls without the service token.
#[derive(Clone, Debug)]
pub struct Guard(Option<MetadataValue<Ascii>>);

impl Interceptor for Guard {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let Some(expected) = &self.0 else { return Ok(request) };
        match request.metadata().get("authorization") {
            Some(given) if same(given.as_encoded_bytes(), expected.as_encoded_bytes()) => Ok(request),
            _ => Err(to_status(&Error::new(Code::Unauthenticated, "the service token is missing or wrong"))),
        }
    }
}

/// Compares in a time that does not depend on where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_token_passes() -> Result<(), Error> {
        let token = ServiceToken::new("sixteen-letters-or-more")?;
        let mut guard = token.guard();
        let signed = |mut token: ServiceToken| token.call(Request::new(())).expect("signing never fails");
        assert!(guard.call(signed(token)).is_ok());
        assert!(guard.call(signed(ServiceToken::none())).is_err());
        assert!(guard.call(signed(ServiceToken::new("sixteen-letters-or-less")?)).is_err());
        assert!(ServiceToken::none().guard().call(Request::new(())).is_ok());
        Ok(())
    }

    #[test]
    fn weak_tokens_are_refused() {
        assert_eq!(ServiceToken::new("short").unwrap_err().field(), Some("service_token"));
        assert!(ServiceToken::new("sixteen letters or\nmore").is_err());
    }
}
