//! The route tree: from a path to the most specific template that matches it.
//!
//! Per segment, text beats text mixed with parameters, which beats a parameter, which beats a
//! parameter that takes the rest of the path. If the better choice leads nowhere further on, the
//! next one is tried. A node stands at one depth, and a search visits it at most once, so a search
//! costs at most as many steps as the table has nodes, whatever the path.

use std::collections::HashMap;

use crate::mixed::Mixed;
use crate::template::{Segment, Template, split_segment};

/// Templates by the paths that they match. `usize` is the template's number.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    // Templates without parameters, by the whole path as it comes.
    fixed: HashMap<Box<str>, usize, FastHash>,
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    statics: HashMap<Box<str>, Node, FastHash>,
    // The ones to try first stand first.
    mixed: Vec<(Mixed, Node)>,
    param: Option<Box<Node>>,
    catch_all: Option<usize>,
    // The template that ends here.
    end: Option<usize>,
}

impl Tree {
    /// Adds a template. Gives the number of the one that matches the same paths, if there is one.
    pub(crate) fn insert(&mut self, template: &Template, number: usize) -> Result<(), usize> {
        let mut node = &mut self.root;
        for segment in &template.segments {
            node = match segment {
                Segment::Static(text) => node.statics.entry(text.as_str().into()).or_default(),
                Segment::Mixed(mixed) => node.mixed_child(mixed),
                Segment::Param(_) => node.param.get_or_insert_default(),
                Segment::CatchAll(_) => return claim(&mut node.catch_all, number),
            };
        }
        claim(&mut node.end, number)?;
        if let Some(path) = template.fixed() {
            self.fixed.insert(path.into(), number);
        }
        Ok(())
    }

    /// The template without parameters that is this path, which is as it came.
    pub(crate) fn find_fixed(&self, path: &str) -> Option<usize> {
        self.fixed.get(path).copied()
    }

    /// The template that matches the path, which stands without its first separator.
    pub(crate) fn find(&self, path: &str, separator: u8) -> Option<usize> {
        self.root.find(path, separator)
    }
}

fn claim(place: &mut Option<usize>, number: usize) -> Result<(), usize> {
    match *place {
        Some(taken) => Err(taken),
        None => {
            *place = Some(number);
            Ok(())
        }
    }
}

impl Node {
    fn mixed_child(&mut self, mixed: &Mixed) -> &mut Self {
        let index = match self.mixed.iter().position(|(there, _)| there.same_shape(mixed)) {
            Some(index) => index,
            None => {
                let index = self.mixed.partition_point(|(there, _)| there.rank() < mixed.rank());
                self.mixed.insert(index, (mixed.clone(), Self::default()));
                index
            }
        };
        &mut self.mixed[index].1
    }

    // Recurses once per segment of the longest template, not of the path.
    fn find(&self, path: &str, separator: u8) -> Option<usize> {
        let (segment, rest) = split_segment(path, separator);
        let go_on = |node: &Self| match rest {
            Some(rest) => node.find(rest, separator),
            None => node.end,
        };
        if let Some(end) = self.statics.get(segment).and_then(go_on) {
            return Some(end);
        }
        // Parameters are never empty.
        if !segment.is_empty() {
            for (mixed, node) in &self.mixed {
                if mixed.matches(segment)
                    && let Some(end) = go_on(node)
                {
                    return Some(end);
                }
            }
            if let Some(end) = self.param.as_deref().and_then(go_on) {
                return Some(end);
            }
        }
        self.catch_all.filter(|_| !path.is_empty())
    }
}

/// Hashes texts that the application's author chose. A client cannot add any, so there is nothing
/// for it to make collide.
type FastHash = std::hash::BuildHasherDefault<TextHasher>;

#[derive(Debug, Default)]
struct TextHasher(u64);

impl std::hash::Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(byte.into());
    }

    fn finish(&self) -> u64 {
        // The table looks at the highest and the lowest bits; mix once more.
        (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

impl TextHasher {
    fn add(&mut self, word: u64) {
        // Multiplication by an odd number (2^64 divided by the golden ratio) spreads low bits up;
        // the rotation brings them back down for the next word.
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
