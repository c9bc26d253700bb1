//! Host names and their addresses.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use super::error::Unresolved;

/// What a connector promises: a value or an error, later.
pub(super) type Later<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

type Table = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// How a host's name becomes an address: as the system does it, unless a table is given.
#[derive(Clone, Default)]
pub struct Names(Option<Table>);

impl Names {
    /// Looks every name up in `table`, once for each connection. A port of its own stands for the scheme's usual one.
    pub fn table(table: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(table)))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a table" } else { "the system's" })
    }
}

/// A resolver whose failures keep the name that was asked for.
#[derive(Clone)]
pub(super) struct Resolver {
    names: Names,
    system: GaiResolver,
}

impl Resolver {
    pub(super) fn new(names: Names) -> Self {
        Self { names, system: GaiResolver::new() }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Later<Self::Response, Unresolved>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        // The system's own error does not name the host.
        let text = name.as_str().to_owned();
        let unresolved = |error: io::Error| Unresolved { name: text, reason: error.to_string() };
        if let Some(table) = &self.names.0 {
            let found = table(name.as_str()).map(Vec::into_iter).map_err(unresolved);
            return Box::pin(std::future::ready(found));
        }
        let found = self.system.call(name);
        Box::pin(async move { Ok(found.await.map_err(unresolved)?.collect::<Vec<_>>().into_iter()) })
    }
}
