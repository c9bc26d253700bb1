//! How large a pack is once it is deflated: counted only where that decides.

use std::sync::{Arc, atomic::AtomicBool};

use futures_util::StreamExt as _;

use super::super::facts::Deflated;
use crate::{
    diagnosis::{Cause, Failure},
    git::{WireError, pack::Pack},
    progress::NoWatch,
};

/// The size of `pack` as it would be sent, where its content is above `limit` bytes; the count stops above the limit.
/// It costs as much as the sending, without the network.
pub(super) async fn deflated(pack: &Pack, limit: u64) -> Result<Option<Deflated>, Failure> {
    if pack.content_bytes() <= limit {
        return Ok(None);
    }
    let mut stream = pack.stream(Arc::new(NoWatch), Arc::new(AtomicBool::new(false)));
    let mut bytes = 0;
    while let Some(piece) = stream.next().await {
        bytes += match piece {
            Ok(piece) => piece.len() as u64,
            Err(WireError::Checkout(error)) => return Err(error.into()),
            Err(WireError::Pack(error)) => return Err(error.into()),
            Err(WireError::Store(error)) => return Err(error.into()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{format::ObjectKind, pack::PackEntry};

    fn pack(content: Vec<u8>) -> Pack {
        Pack::new(vec![PackEntry::Data {
            kind: ObjectKind::Blob,
            oid: ObjectKind::Blob.id_of(&content),
            content: content.into(),
        }])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_what_may_be_too_large_is_counted_and_no_further_than_the_limit() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let noise: Vec<u8> = (0..25_000).flat_map(|_| next()).collect();
        assert_eq!(deflated(&pack(noise.clone()), 200_000).await.unwrap(), None);
        assert_eq!(deflated(&pack(noise), 50_000).await.unwrap(), Some(Deflated::Above(50_000)));
        let zeros = deflated(&pack(vec![0; 200_000]), 50_000).await.unwrap();
        assert!(matches!(zeros, Some(Deflated::Whole(bytes)) if bytes < 1000), "{zeros:?}");
    }
}
