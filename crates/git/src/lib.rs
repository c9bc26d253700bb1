//! Git: the objects and the wire.
//!
//! What goes over the wire, from the outside in: [`remote`] is one repository on one server; [`fetch`] and [`receive`] are
//! the two conversations with it; [`advertisement`] is how both begin; [`pktline`] and [`sideband`] are the frames that they
//! are made of; [`pack`] makes what is sent; [`transport`] carries it.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack>, <https://git-scm.com/docs/gitprotocol-v2>,
//! <https://git-scm.com/docs/gitprotocol-http>

use repo_relay_diagnosis as diagnosis;
use repo_relay_http::{http, progress};
use repo_relay_names::{credential, names, system};

use bytes::Bytes;
use futures_util::stream::BoxStream;

pub mod advertisement;
pub mod blobs;
pub mod checkout;
pub mod commit;
pub mod commits;
pub mod error;
pub mod fetch;
pub mod format;
pub mod history;
pub mod lfs;
pub mod objects;
pub mod pack;
pub mod pktline;
pub mod receive;
pub mod remote;
pub mod scratch;
pub mod sideband;
pub mod sign;
pub mod stored_header;
pub mod transport;

mod deflate;
mod delta;
mod ids;
#[cfg(test)]
pub(crate) mod tests;

pub use error::WireError;

/// Bytes as they come or are made, in pieces of any size.
pub type ByteStream = BoxStream<'static, Result<Bytes, WireError>>;
