//! Typed errors of the code that reads checkouts and keys, that makes and takes in packs, and that speaks to servers. That
//! code names no input: here each error gets its cause, its sentence and its remedy.

mod certificate;
mod checkout;
mod host_key;
mod http;
mod key;
mod lfs;
mod push;
mod remote;
mod rest;
mod ssh;
mod transfer;
mod wire;

pub use self::{
    certificate::CertificateFault,
    checkout::CheckoutError,
    host_key::{HostKeyError, KnownHostsError},
    http::{HttpError, HttpErrorKind, RedirectFault, TunnelRefusal},
    key::{KeyError, SigningError},
    lfs::LfsError,
    push::{PushError, PushFault, PushFaultKind},
    remote::{CommitError, RemoteError, WireFault},
    rest::{Effect, RestErrorKind, RestFault},
    ssh::SshError,
    transfer::{PackError, RequestError, StoreError},
    wire::WireError,
};
