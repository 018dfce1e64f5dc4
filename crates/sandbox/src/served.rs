//! What the sandbox serves: the calls of a catalog's operations by their paths, and the documents that the reads show.
//!
//! A *document* is what one read answers with, but for its `error`. Several operations may have their settings in
//! one, in places of their own or in the same object.

use std::collections::HashMap;
use std::sync::Arc;

use orgwave_core::operation::{Catalog, Operation};

use crate::route::Route;

/// The calls, the operations and the documents.
pub(crate) struct Served {
    operations: Vec<Target>,
    documents: Vec<Document>,
    calls: HashMap<Box<str>, Call>,
    /// The one that is meant where none is named.
    pub(crate) default_one: Target,
}

/// An operation, and the document that has its settings.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) operation: Arc<Operation>,
    pub(crate) document: usize,
}

/// What one read shows.
#[derive(Debug)]
pub(crate) struct Document {
    /// The path of the read.
    pub(crate) path: Box<str>,
    /// Whose settings are in it; at least one.
    pub(crate) operations: Vec<Arc<Operation>>,
}

/// A call that the sandbox knows.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    /// The read of a document.
    Read(usize),
    /// The update of an operation.
    Write(Target),
    /// What only lists something.
    List(Route),
}

impl Served {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let mut calls = HashMap::new();
        for route in [Route::Clients, Route::Locations, Route::Cameras, Route::Tokens] {
            calls.insert(route.path(catalog.default_one()).into(), Call::List(route));
        }
        let mut documents: Vec<Document> = Vec::new();
        let mut operations = Vec::new();
        for operation in catalog.iter() {
            let path = &operation.read.path;
            let document =
                documents.iter().position(|document| document.path == *path).unwrap_or_else(|| {
                    documents.push(Document { path: path.clone(), operations: Vec::new() });
                    documents.len() - 1
                });
            documents[document].operations.push(Arc::clone(operation));
            let target = Target { operation: Arc::clone(operation), document };
            // A path has one meaning: the first that is known.
            calls.entry(path.clone()).or_insert(Call::Read(document));
            calls.entry(operation.write.path.clone()).or_insert_with(|| Call::Write(target.clone()));
            operations.push(target);
        }
        let default_one = operations
            .iter()
            .find(|target| target.operation.name == catalog.default_one().name)
            .expect("a catalog has its default operation")
            .clone();
        Self { operations, documents, calls, default_one }
    }

    /// The call of this path.
    pub(crate) fn call(&self, path: &str) -> Option<&Call> {
        self.calls.get(path)
    }

    /// The operation of this name.
    pub(crate) fn target(&self, name: &str) -> Option<&Target> {
        self.operations.iter().find(|target| *target.operation.name == *name)
    }

    pub(crate) fn document(&self, place: usize) -> &Document {
        &self.documents[place]
    }

    /// Whose settings a call reads or writes.
    pub(crate) fn operations<'a>(&'a self, call: &'a Call) -> &'a [Arc<Operation>] {
        match call {
            Call::Read(document) => &self.document(*document).operations,
            Call::Write(target) => std::slice::from_ref(&target.operation),
            Call::List(_) => &[],
        }
    }
}

impl Document {
    /// The operation that has the document for itself. Of such a document the ledger shows the settings alone.
    pub(crate) fn only(&self) -> Option<&Arc<Operation>> {
        match &self.operations[..] {
            [operation] => Some(operation),
            _ => None,
        }
    }
}

impl Call {
    /// What faults and the ledger call it.
    pub(crate) const fn route(&self) -> Route {
        match self {
            Self::Read(_) => Route::Read,
            Self::Write(_) => Route::Write,
            Self::List(route) => *route,
        }
    }
}
