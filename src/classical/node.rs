//! The nodes of trees over samples as bytes.

/// A node of a tree, which is a list of them with the root first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node<Leaf> {
    Leaf(Leaf),
    /// A sample whose byte in the column is at most `bin` goes on at the place `children`, any other at the one after.
    Split {
        column: u32,
        children: u32,
        bin: u8,
    },
}

/// What the leaf says that a sample reaches, `[columns]`.
pub fn leaf<Leaf: Copy>(nodes: &[Node<Leaf>], sample: &[u8]) -> Leaf {
    let mut place = 0;
    loop {
        match nodes[place] {
            Node::Leaf(leaf) => return leaf,
            Node::Split { column, children, bin } => {
                place = children as usize + usize::from(sample[column as usize] > bin);
            }
        }
    }
}
