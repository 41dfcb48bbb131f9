//! ipvs services and destinations.

use bundle::Capture;

use super::{Doc, Node, forms};
use crate::parse::ipvs::Ipvs;
use crate::source::Missing;

impl Node {
    /// The ipvs table. Absent with [`bundle::AbsentWhy::NotLoaded`] means that there is none.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn ipvs(&self) -> Result<&Doc<Ipvs>, Missing> {
        self.cells.ipvs.get(|| self.doc_if(Capture::IpvsSave, forms::ipvs))
    }
}
