//! Typed errors of the code that reads checkouts and keys, and that makes and takes in packs. That code names no input: here each error gets its cause, its
//! sentence and its remedy.

mod checkout;
mod host_key;
mod http;
mod key;
mod rest;
mod transfer;

pub use self::{
    checkout::CheckoutError,
    host_key::{HostKeyError, KnownHostsError},
    http::{HttpError, HttpErrorKind, RedirectFault, TunnelRefusal},
    key::{KeyError, SigningError},
    rest::{Effect, RestErrorKind, RestFault},
    transfer::{PackError, RequestError, StoreError},
};
