//! How large a pack is once it is deflated: counted only where that decides.

use std::sync::{Arc, atomic::AtomicBool};

use futures_util::StreamExt as _;

use super::super::facts::Deflated;
use crate::{
    diagnosis::{Cause, Failure},
    git::{WireError, pack::Pack},
    progress::Unwatched,
};

/// The size of `pack` as it would be sent, where its content is above `limit` bytes; the count stops above the limit.
/// It costs as much as the sending, without the network.
pub(super) async fn deflated(pack: &Pack, limit: u64) -> Result<Option<Deflated>, Failure> {
    if pack.content_bytes() <= limit {
        return Ok(None);
    }
    let mut stream = pack.stream(Arc::new(Unwatched), Arc::new(AtomicBool::new(false)));
    let mut bytes = 0;
    while let Some(piece) = stream.next().await {
        bytes += match piece {
            Ok(piece) => piece.len() as u64,
            Err(WireError::Failed(failure)) => return Err(failure),
            // Nothing is spoken on a wire here: every other error would be this program's own.
            Err(error) => {
                return Err(Failure::new(Cause::InternalError, format!("The pack could not be made: {error}.")));
            }
        };
        if bytes > limit {
            return Ok(Some(Deflated::Above(limit)));
        }
    }
    Ok(Some(Deflated::Whole(bytes)))
}
