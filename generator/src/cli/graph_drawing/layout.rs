//! Where everything goes: a layered drawing, one column for each layer, read from left to right.
//! The drawer turns it, so that what is a column here is a row of the page, and a height its place in the row.
//!
//! The steps are Sugiyama's. A line that passes a column without stopping there gets a slot of its
//! own in it (a *bend*), so it can never run through an Application. Lines from one Application
//! share their bends, which makes a trunk with branches of what would be a fan. Columns are then
//! ordered to avoid crossings (barycenters, then exchanges of neighbours), and slots are moved up
//! and down until lines are as short and straight as the order allows.
//!
//! Deterministic: ties go to the order of the graph, the arithmetic is plain IEEE addition,
//! multiplication and division, and the result is rounded to whole units.

use std::collections::BTreeMap;

/// How much of a column the box of an Application takes.
pub(super) const NODE_LENGTH: f64 = 200.0;
/// Space between two boxes of a column.
const NODE_GAP: f64 = 16.0;
/// Space between a box and a line that passes it.
const BEND_GAP: f64 = 12.0;
/// Space between two lines that pass.
const LINE_GAP: f64 = 10.0;
/// Sweeps over the columns, once left to right and once back, while ordering.
const ORDER_SWEEPS: usize = 24;
/// The same while moving slots. Convergence is visible after about thirty.
const MOVE_SWEEPS: usize = 80;

/// How much everything is drawn to the middle.
const MIDDLE: f64 = 0.4;

/// A rise that nobody would draw on purpose.
const ALMOST_LEVEL: f64 = 12.0;

/// A finished layout. Heights begin at zero; where columns stand is the drawer's.
pub(super) struct Layout {
    /// The middle of each node.
    pub node_y: Vec<i32>,
    /// The lines, in the order of their sources, hard ones first.
    pub lines: Vec<Line>,
    /// How high it all is.
    pub height: i32,
}

/// Everything drawn from one node to those that wait for it.
pub(super) struct Line {
    pub from: usize,
    pub soft: bool,
    /// Horizontal pieces across a column in which the line does not stop: column, height.
    pub across: Vec<(usize, i32)>,
    /// Pieces between neighbouring columns: the left column, height on the left and on the right.
    pub between: Vec<(usize, i32, i32)>,
    /// The nodes at which it ends.
    pub to: Vec<usize>,
}

/// An edge to lay out; its column numbers must rise.
pub(super) struct Link {
    pub from: usize,
    pub to: usize,
    pub soft: bool,
}

/// Lays out nodes, each in its column, and links between them.
pub(super) fn lay_out(column_of: &[usize], links: &[Link]) -> Layout {
    let mut board = Board::new(column_of, links);
    board.order();
    board.settle();
    board.finish(column_of.len())
}

/// What takes up height in a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Node,
    /// A line passes.
    Bend,
}

struct Board {
    slots: Vec<Slot>,
    column_of: Vec<usize>,
    /// The slots of each column, from top to bottom.
    columns: Vec<Vec<usize>>,
    /// Neighbours in the column to the left and to the right.
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
    y: Vec<f64>,
    /// For each line: its source, whether it is soft, its pieces as pairs of slots.
    lines: BTreeMap<(usize, bool), Vec<(usize, usize)>>,
}

impl Board {
    fn new(column_of: &[usize], links: &[Link]) -> Self {
        let width = column_of.iter().max().map_or(0, |&last| last + 1);
        let mut board = Board {
            slots: vec![Slot::Node; column_of.len()],
            column_of: column_of.to_vec(),
            columns: vec![Vec::new(); width],
            left: vec![Vec::new(); column_of.len()],
            right: vec![Vec::new(); column_of.len()],
            y: Vec::new(),
            lines: BTreeMap::new(),
        };
        for (node, &column) in column_of.iter().enumerate() {
            board.columns[column].push(node);
        }
        let mut bends: BTreeMap<(usize, bool, usize), usize> = BTreeMap::new();
        for link in links {
            let mut at = link.from;
            for column in column_of[link.from] + 1..column_of[link.to] {
                let key = (link.from, link.soft, column);
                at = if let Some(&bend) = bends.get(&key) {
                    bend
                } else {
                    let bend = board.new_bend(column);
                    bends.insert(key, bend);
                    board.connect(link, at, bend);
                    bend
                };
            }
            board.connect(link, at, link.to);
        }
        board
    }

    fn new_bend(&mut self, column: usize) -> usize {
        let bend = self.slots.len();
        self.slots.push(Slot::Bend);
        self.column_of.push(column);
        self.columns[column].push(bend);
        self.left.push(Vec::new());
        self.right.push(Vec::new());
        bend
    }

    fn connect(&mut self, link: &Link, left: usize, right: usize) {
        self.right[left].push(right);
        self.left[right].push(left);
        self.lines.entry((link.from, link.soft)).or_default().push((left, right));
    }

    // Ordering.

    /// Orders every column so that few lines cross.
    fn order(&mut self) {
        let mut best = self.columns.clone();
        let mut fewest = self.crossings();
        for sweep in 0..ORDER_SWEEPS {
            if fewest == 0 {
                break;
            }
            let rightwards = sweep % 2 == 0;
            for step in 0..self.columns.len() {
                let column = if rightwards { step } else { self.columns.len() - 1 - step };
                self.order_by_barycenter(column, rightwards);
            }
            self.exchange_neighbours();
            let crossings = self.crossings();
            if crossings < fewest {
                fewest = crossings;
                best.clone_from(&self.columns);
            }
        }
        self.columns = best;
    }

    /// Sorts a column by the mean position of each slot's neighbours in the column before it. A
    /// slot without any keeps its own position.
    fn order_by_barycenter(&mut self, column: usize, rightwards: bool) {
        let position = self.positions();
        let neighbours = if rightwards { &self.left } else { &self.right };
        // As a part of the column's length, so that both kinds of position can be compared.
        let place = |slot: usize| {
            let column = self.columns[self.column_of[slot]].len();
            (number(position[slot]) + 0.5) / number(column)
        };
        let key = |&slot: &usize| match neighbours[slot].as_slice() {
            [] => place(slot),
            of => of.iter().map(|&neighbour| place(neighbour)).sum::<f64>() / number(of.len()),
        };
        let mut keyed: Vec<(f64, usize)> = self.columns[column].iter().map(|slot| (key(slot), *slot)).collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.columns[column] = keyed.into_iter().map(|(_, slot)| slot).collect();
    }

    /// Exchanges slots that stand next to each other for as long as that removes crossings.
    fn exchange_neighbours(&mut self) {
        let mut position = self.positions();
        for _ in 0..self.slots.len().min(50) {
            let mut improved = false;
            for column in &mut self.columns {
                for upper in 1..column.len() {
                    let (a, b) = (column[upper - 1], column[upper]);
                    let crossings = |first: usize, second: usize| {
                        pairs_out_of_order(&self.left[first], &self.left[second], &position)
                            + pairs_out_of_order(&self.right[first], &self.right[second], &position)
                    };
                    if crossings(b, a) < crossings(a, b) {
                        column.swap(upper - 1, upper);
                        position.swap(a, b);
                        improved = true;
                    }
                }
            }
            if !improved {
                break;
            }
        }
    }

    /// Where each slot stands in its column.
    fn positions(&self) -> Vec<usize> {
        let mut position = vec![0; self.slots.len()];
        for column in &self.columns {
            for (index, &slot) in column.iter().enumerate() {
                position[slot] = index;
            }
        }
        position
    }

    /// How many pairs of lines cross, over all columns.
    fn crossings(&self) -> usize {
        let position = self.positions();
        let mut crossings = 0;
        for column in &self.columns {
            // Right ends in the order of their left ends: every inversion is a crossing.
            let mut ends: Vec<usize> = Vec::new();
            for &slot in column {
                let mut own: Vec<usize> = self.right[slot].iter().map(|&to| position[to]).collect();
                own.sort_unstable();
                crossings +=
                    own.iter().map(|end| ends.len() - ends.partition_point(|earlier| earlier <= end)).sum::<usize>();
                for end in own {
                    ends.insert(ends.partition_point(|earlier| *earlier <= end), end);
                }
            }
        }
        crossings
    }

    // Heights.

    /// Moves the slots of every column, keeping their order and distances, to where the squares of
    /// the lines' rises are smallest; a few dozen sweeps come close enough.
    fn settle(&mut self) {
        self.y = vec![0.0; self.slots.len()];
        for column in &self.columns {
            let stacked = self.offsets(column);
            let middle = stacked.last().copied().unwrap_or(0.0) / 2.0;
            for (&slot, offset) in column.iter().zip(stacked) {
                self.y[slot] = offset - middle;
            }
        }
        for sweep in 0..MOVE_SWEEPS {
            for step in 0..self.columns.len() {
                let backwards = sweep % 2 == 1;
                let column = if backwards { self.columns.len() - 1 - step } else { step };
                self.settle_column(column);
            }
        }
        self.straighten();
    }

    /// Moves a slot by a few units where that makes the line to its only neighbour level: what is
    /// almost straight looks like a mistake.
    fn straighten(&mut self) {
        for rightwards in [true, false] {
            for step in 0..self.columns.len() {
                let index = if rightwards { step } else { self.columns.len() - 1 - step };
                let column = &self.columns[index];
                let offsets = self.offsets(column);
                for (place, &slot) in column.iter().enumerate() {
                    let (on, back) = if rightwards {
                        (&self.left[slot], &self.right[slot])
                    } else {
                        (&self.right[slot], &self.left[slot])
                    };
                    let &[neighbour] = on.as_slice() else {
                        continue;
                    };
                    let levelled = |&other: &usize| whole(self.y[other]) == whole(self.y[slot]);
                    if !rightwards && back.iter().any(levelled) {
                        continue;
                    }
                    let wish = self.y[neighbour];
                    let clear_above =
                        place == 0 || wish - self.y[column[place - 1]] >= offsets[place] - offsets[place - 1];
                    let clear_below = column
                        .get(place + 1)
                        .is_none_or(|&below| self.y[below] - wish >= offsets[place + 1] - offsets[place]);
                    if (wish - self.y[slot]).abs() <= ALMOST_LEVEL && clear_above && clear_below {
                        self.y[slot] = wish;
                    }
                }
            }
        }
    }

    /// The least distance from the first slot of a column to each of them.
    fn offsets(&self, column: &[usize]) -> Vec<f64> {
        let mut offsets = Vec::with_capacity(column.len());
        let mut offset = 0.0;
        for (index, &slot) in column.iter().enumerate() {
            if index > 0 {
                offset += match (self.slots[column[index - 1]], self.slots[slot]) {
                    (Slot::Node, Slot::Node) => NODE_LENGTH + NODE_GAP,
                    (Slot::Bend, Slot::Bend) => LINE_GAP,
                    (Slot::Node, Slot::Bend) | (Slot::Bend, Slot::Node) => NODE_LENGTH / 2.0 + BEND_GAP,
                };
            }
            offsets.push(offset);
        }
        offsets
    }

    /// One column, its neighbours held still. With the least distances taken out, "keep the order"
    /// reads "do not descend", and the best such heights are a weighted isotonic regression: pool
    /// whatever would descend into one block at its mean.
    fn settle_column(&mut self, column: usize) {
        let column = &self.columns[column];
        let offsets = self.offsets(column);
        // Mean, weight and number of slots of each block.
        let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
        for (&slot, offset) in column.iter().zip(&offsets) {
            let (wish, weight) = self.wish(slot);
            let mut block = (wish - offset, weight, 1);
            while let Some(&(mean, above, slots)) = blocks.last() {
                if mean < block.0 {
                    break;
                }
                blocks.pop();
                let sum = above + block.1;
                block = ((mean * above + block.0 * block.1) / sum, sum, slots + block.2);
            }
            blocks.push(block);
        }
        let heights = blocks.iter().flat_map(|&(mean, _, slots)| std::iter::repeat_n(mean, slots));
        for ((&slot, offset), height) in column.iter().zip(offsets).zip(heights) {
            self.y[slot] = height + offset;
        }
    }

    /// Where a slot would like to be, and how much.
    fn wish(&self, slot: usize) -> (f64, f64) {
        let mut sum = 0.0;
        let mut weight = 0.0;
        for &neighbour in self.left[slot].iter().chain(&self.right[slot]) {
            // A kink in a passing line disturbs more than a slope at its end.
            let pull = match (self.slots[slot], self.slots[neighbour]) {
                (Slot::Bend, Slot::Bend) => 8.0,
                (Slot::Node, Slot::Node) => 1.0,
                (Slot::Node, Slot::Bend) | (Slot::Bend, Slot::Node) => 2.0,
            };
            sum += pull * self.y[neighbour];
            weight += pull;
        }
        // Everybody wishes, faintly, for the middle: that keeps the drawing compact.
        (sum / (weight + MIDDLE), weight + MIDDLE)
    }

    fn finish(self, nodes: usize) -> Layout {
        let half = |slot: usize| {
            if self.slots[slot] == Slot::Node { NODE_LENGTH / 2.0 } else { 4.0 }
        };
        let all = 0..self.slots.len();
        let top = all.clone().map(|slot| self.y[slot] - half(slot)).fold(f64::INFINITY, f64::min);
        let bottom = all.map(|slot| self.y[slot] + half(slot)).fold(f64::NEG_INFINITY, f64::max);
        if nodes == 0 {
            return Layout { node_y: Vec::new(), lines: Vec::new(), height: 0 };
        }
        let y: Vec<i32> = self.y.iter().map(|y| whole(y - top)).collect();
        let lines = self.lines.iter().map(|(&(from, soft), pieces)| {
            let mut line = Line { from, soft, across: Vec::new(), between: Vec::new(), to: Vec::new() };
            for &(left, right) in pieces {
                line.between.push((self.column_of[left], y[left], y[right]));
                match self.slots[right] {
                    Slot::Node => line.to.push(right),
                    Slot::Bend => line.across.push((self.column_of[right], y[right])),
                }
            }
            line
        });
        Layout { lines: lines.collect(), height: whole(bottom - top), node_y: y[..nodes].to_vec() }
    }
}

/// How many pairs, one end from each list, stand the wrong way round.
fn pairs_out_of_order(upper: &[usize], lower: &[usize], position: &[usize]) -> usize {
    let pairs = upper.iter().flat_map(|&a| lower.iter().map(move |&b| (a, b)));
    pairs.filter(|&(a, b)| position[a] > position[b]).count()
}

/// As a fraction; drawings have fewer than four thousand million of anything.
fn number(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

/// Rounded to a whole unit. Drawings are some thousand units high.
#[allow(clippy::cast_possible_truncation)]
fn whole(y: f64) -> i32 {
    (y + 0.5).floor() as i32
}
