//! The storage of LFS objects: a host of its own that knows no GitHub credential and takes what the batch API has signed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use bytes::Bytes;
use http::{Method, request::Parts};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use ring::digest::{Context, SHA256};

use super::{folder, is_oid, storage_authorization};
use crate::{answer::Answer, shared::Shared};

/// An error in the shape that object storages have.
fn error(status: u16, code: &str, message: &str) -> Answer {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Answer::empty(status).header("content-type", "application/xml").body(Bytes::from(text))
}

/// Answers a request to the storage.
pub(crate) async fn answer(shared: &Shared, number: usize, parts: &Parts, incoming: Incoming) -> Answer {
    let mut steps = parts.uri.path().trim_start_matches('/').split('/');
    let (Some("storage"), Some(id), Some(oid), None) = (steps.next(), steps.next(), steps.next(), steps.next()) else {
        return error(404, "NoSuchKey", "The specified key does not exist.");
    };
    let found = shared.model().repositories.iter().find(|repository| repository.id.to_string() == id).cloned();
    let Some(repository) = found.filter(|_| is_oid(oid)) else {
        return error(404, "NoSuchBucket", "The specified bucket does not exist.");
    };
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = header("authorization");
    if !given.is_empty() && !given.starts_with("AWS4-HMAC-SHA256 ") {
        return error(400, "InvalidArgument", "Unsupported Authorization Type");
    }
    if given != storage_authorization(repository.id, oid) || header("x-amz-content-sha256") != oid {
        return error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature.",
        );
    }
    let (place, verify) = (folder(&repository), repository.lfs.as_ref().is_some_and(|lfs| lfs.verify));
    match parts.method {
        Method::GET => download(&place.join(oid)),
        Method::PUT if header("content-length").is_empty() => {
            error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        }
        Method::PUT => {
            let partial = place.join(format!("{oid}.partial{number}"));
            let taken = take(shared, number, &partial, incoming).await;
            match taken {
                Ok(sum) if sum == oid => {
                    let last = place.join(oid);
                    let last = if verify { last.with_extension("unverified") } else { last };
                    let kept = fs::rename(&partial, last);
                    kept.map_or_else(
                        |problem| error(500, "InternalError", &problem.to_string()),
                        |()| Answer::empty(200),
                    )
                }
                Ok(_) => {
                    let _ = fs::remove_file(&partial);
                    error(400, "XAmzContentSHA256Mismatch", "The provided header does not match what was computed.")
                }
                Err(problem) => {
                    let _ = fs::remove_file(&partial);
                    error(400, "IncompleteBody", &problem.to_string())
                }
            }
        }
        _ => error(405, "MethodNotAllowed", "The specified method is not allowed against this resource."),
    }
}

/// Writes a body to disk and returns its SHA-256 in hexadecimal digits.
async fn take(shared: &Shared, number: usize, place: &Path, mut incoming: Incoming) -> io::Result<String> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    let (mut file, mut sum, mut length) = (File::create(place)?, Context::new(&SHA256), 0);
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            file.write_all(&data)?;
            sum.update(&data);
            length += data.len() as u64;
        }
    }
    shared.journal().amend(number, |entry| entry.bytes_in = length);
    Ok(hex::encode(sum.finish()))
}

fn download(place: &Path) -> Answer {
    let Ok(content) = fs::read(place) else {
        return error(404, "NoSuchKey", "The specified key does not exist.");
    };
    Answer::empty(200).header("content-type", "application/octet-stream").body(Bytes::from(content))
}
