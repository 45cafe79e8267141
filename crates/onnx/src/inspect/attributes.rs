//! A node's attributes and its constant inputs, with the defaults of ONNX's operator definitions.

use std::collections::BTreeMap;

use crate::proto::{AttributeProto, NodeProto, TensorProto};

/// More values than any shape, axes or padding has: longer ones are not read.
const MOST_VALUES: usize = 64;

/// A node with the constants that it may take.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) proto: &'a NodeProto,
    constants: &'a BTreeMap<&'a str, &'a TensorProto>,
}

impl<'a> Node<'a> {
    pub(super) const fn new(proto: &'a NodeProto, constants: &'a BTreeMap<&'a str, &'a TensorProto>) -> Self {
        Self { proto, constants }
    }

    fn attribute(self, name: &str) -> Option<&'a AttributeProto> {
        self.proto.attribute.iter().find(|attribute| attribute.name() == name)
    }

    pub(super) fn integer(self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(default)
    }

    pub(super) fn integers(self, name: &str) -> Option<Vec<i64>> {
        let integers = &self.attribute(name)?.ints;
        (integers.len() <= MOST_VALUES).then(|| integers.clone())
    }

    /// One value per axis, none below `least`; all `default` if the node does not say.
    pub(super) fn sizes(self, name: &str, count: usize, default: u64, least: u64) -> Option<Vec<u64>> {
        let Some(integers) = self.integers(name).filter(|integers| !integers.is_empty()) else {
            return Some(vec![default; count]);
        };
        let sizes: Vec<u64> = integers.into_iter().map(u64::try_from).collect::<Result<_, _>>().ok()?;
        (sizes.len() == count && sizes.iter().all(|&size| size >= least)).then_some(sizes)
    }

    pub(super) fn text(self, name: &str) -> Option<&'a [u8]> {
        self.attribute(name)?.s.as_deref()
    }

    /// The values of an input that is a constant vector of integers.
    pub(super) fn constant(self, input: usize) -> Option<Vec<i64>> {
        let name = self.input(input)?;
        self.constants.get(name)?.to_integers(MOST_VALUES)
    }

    /// An input's name. `None`: the node does without.
    pub(super) fn input(self, input: usize) -> Option<&'a str> {
        self.proto.input.get(input).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// An axis, counted from the end if negative.
pub(super) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let signed_rank = i64::try_from(rank).ok()?;
    let from_start = if axis < 0 { axis.checked_add(signed_rank)? } else { axis };
    usize::try_from(from_start).ok().filter(|&axis| axis < rank)
}
