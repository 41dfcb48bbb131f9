//! Typed values out of Kubernetes' YAML: a value of the wrong kind is a problem with its line and costs only itself.

use std::str::FromStr;

use super::flannel::Spanned;
use super::yaml::Node;
use crate::source::Problem;

/// Reads values of one document.
pub(crate) struct Reader<'a> {
    pub(crate) text: &'a str,
    pub(crate) root: &'a Node,
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// The scalar at a path.
    pub(crate) fn parsed<T: FromStr>(&mut self, path: &str) -> Option<Spanned<T>> {
        let node = self.root.get(path)?;
        self.scalar(path, node)
    }

    /// The list of scalars at a path.
    pub(crate) fn list<T: FromStr>(&mut self, path: &str) -> Vec<Spanned<T>> {
        let Some(node) = self.root.get(path) else { return Vec::new() };
        if !matches!(node.value, super::yaml::Value::List(_)) {
            self.problems.push(Problem { at: node.line(self.text), what: format!("{path} is not a list") });
        }
        node.items().iter().filter_map(|item| self.scalar(path, item)).collect()
    }

    /// The words of a scalar that holds several, separated by commas (`podSubnet` of two families).
    pub(crate) fn comma_list<T: FromStr>(&mut self, path: &str) -> Vec<Spanned<T>> {
        let Some((all, at)) = self.parsed::<String>(path) else { return Vec::new() };
        let mut out = Vec::new();
        for word in all.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            match word.parse() {
                Ok(value) => out.push((value, at)),
                Err(_) => self.problems.push(Problem { at, what: format!("{path}: `{word}` is not what belongs there") }),
            }
        }
        out
    }

    fn scalar<T: FromStr>(&mut self, path: &str, node: &Node) -> Option<Spanned<T>> {
        let at = node.line(self.text);
        match node.text().and_then(|t| t.parse().ok()) {
            Some(value) => Some((value, at)),
            None => {
                self.problems.push(Problem { at, what: format!("{path} is not what belongs there") });
                None
            }
        }
    }
}
