//! What can be wrong with a service.

use std::sync::Mutex;

use base::{Code, Error};
use proto::status::to_status;
use tonic::Status;

/// What can be wrong with a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Fault {
    #[default]
    None,
    Down,
    ReadOnly,
    Hangs,
    Panics,
}

/// The fault that a model has now, and the calls that it has had.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    fault: Mutex<Fault>,
    calls: Mutex<Vec<&'static str>>,
}

impl Faults {
    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().expect("no test panics with it") = fault;
    }

    /// Notes a call, and has it meet the fault.
    pub(crate) async fn meet(&self, call: &'static str) -> Result<(), Status> {
        self.calls.lock().expect("no test panics with it").push(call);
        let fault = *self.fault.lock().expect("no test panics with it");
        match fault {
            Fault::None => Ok(()),
            Fault::Down => Err(to_status(&Error::new(Code::Unavailable, "the model is down"))),
            Fault::ReadOnly => Err(to_status(&Error::new(Code::ReadOnly, "the model refuses writes"))),
            Fault::Hangs => std::future::pending().await,
            Fault::Panics => panic!("the model panics"),
        }
    }

    /// The calls since this was asked last.
    pub(crate) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().expect("no test panics with it"))
    }
}
