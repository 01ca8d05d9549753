//! Sync waves: who must be healthy before whom, as the small numbers that Argo CD sorts by.
//!
//! Argo CD applies the objects of one sync in ascending `argocd.argoproj.io/sync-wave` and waits
//! for the health of each wave before it starts the next. The number of an Application is
//! therefore the length of the longest chain of Applications that must come before it, plus one:
//! the smallest number that puts it after everything it waits for.
//!
//! This module knows numbers only. Which Application stands behind an index, and why an edge is
//! there, is the plan's business; so are the words in which a cycle is reported.

use std::collections::VecDeque;

/// Numbers the nodes `0..n` so that every edge `(before, after)` goes from a lower wave to a
/// higher one.
///
/// Waves start at 1, are as low as possible (each is the longest path that leads to the node,
/// counted in nodes), and are dense: wave `w` is in use whenever a higher one is. The result
/// depends only on the set of edges, not on their order. Repeated edges are harmless; an edge that
/// names a node outside `0..n` is ignored.
///
/// Takes time linear in nodes and edges.
///
/// # Errors
///
/// Where the edges form a cycle no numbering exists. The error is one *shortest* cycle, because
/// that is the one a person can act upon: indices into `edges`, each starting at the node where
/// the one before it ends, the last ending where the first starts. Among the shortest, it is one
/// through the lowest-numbered node, written from that node on; so the answer is the same on
/// every run. Finding it takes a search from every node, which only this error path pays for.
pub fn waves(n: usize, edges: &[(usize, usize)]) -> Result<Vec<u32>, Vec<usize>> {
    let successors = Successors::new(n, edges);
    let mut waiting_for = vec![0_usize; n];
    for &edge in &successors.edges {
        waiting_for[edges[edge].1] += 1;
    }

    let mut wave = vec![1_u32; n];
    let mut ready: Vec<usize> = (0..n).filter(|&node| waiting_for[node] == 0).collect();
    let mut numbered = 0;
    while let Some(node) = ready.pop() {
        numbered += 1;
        for &edge in successors.of(node) {
            let after = edges[edge].1;
            wave[after] = wave[after].max(wave[node].saturating_add(1));
            waiting_for[after] -= 1;
            if waiting_for[after] == 0 {
                ready.push(after);
            }
        }
    }

    if numbered == n {
        return Ok(wave);
    }
    // What is still waiting is on a cycle or behind one; nothing else can be part of the answer.
    let candidates: Vec<usize> = (0..n).filter(|&node| waiting_for[node] > 0).collect();
    Err(shortest_cycle(&candidates, edges, &successors, n))
}

/// One shortest cycle through any of `candidates`, as edge indices; empty where there is none.
fn shortest_cycle(candidates: &[usize], edges: &[(usize, usize)], successors: &Successors, n: usize) -> Vec<usize> {
    let mut shortest: Vec<usize> = Vec::new();
    for &start in candidates {
        let limit = shortest.len().checked_sub(1).unwrap_or(n);
        if let Some(cycle) = shortest_way_back(start, limit, edges, successors, n) {
            shortest = cycle;
        }
        if shortest.len() == 1 {
            break;
        }
    }
    shortest
}

/// The shortest path from `start` back to itself of at most `limit` edges: a breadth-first search.
fn shortest_way_back(
    start: usize,
    limit: usize,
    edges: &[(usize, usize)],
    successors: &Successors,
    n: usize,
) -> Option<Vec<usize>> {
    let mut reached_by: Vec<Option<usize>> = vec![None; n];
    let mut queue = VecDeque::from([(start, 0_usize)]);
    while let Some((node, distance)) = queue.pop_front() {
        if distance >= limit {
            return None;
        }
        for &edge in successors.of(node) {
            let after = edges[edge].1;
            if reached_by[after].is_none() {
                reached_by[after] = Some(edge);
                if after == start {
                    return Some(walk_back(start, edges, &reached_by));
                }
                queue.push_back((after, distance + 1));
            }
        }
    }
    None
}

/// The edges by which the search came round to `start`, first edge first.
fn walk_back(start: usize, edges: &[(usize, usize)], reached_by: &[Option<usize>]) -> Vec<usize> {
    let mut cycle = Vec::new();
    let mut node = start;
    while let Some(edge) = reached_by[node] {
        cycle.push(edge);
        node = edges[edge].0;
        if node == start {
            break;
        }
    }
    cycle.reverse();
    cycle
}

/// The edges that leave each node, in the order in which they were given.
///
/// Two flat lists instead of a list per node: a graph of an environment is built for every render.
struct Successors {
    /// `edges[first[node]..first[node + 1]]` leave `node`.
    first: Vec<usize>,
    /// Indices of the usable edges, grouped by the node they leave.
    edges: Vec<usize>,
}

impl Successors {
    fn new(n: usize, edges: &[(usize, usize)]) -> Self {
        let usable = |&(_, &(before, after)): &(usize, &(usize, usize))| before < n && after < n;
        let mut first = vec![0_usize; n + 1];
        for (_, &(before, _)) in edges.iter().enumerate().filter(usable) {
            first[before + 1] += 1;
        }
        for node in 0..n {
            first[node + 1] += first[node];
        }
        let mut next = first.clone();
        let mut grouped = vec![0_usize; first[n]];
        for (index, &(before, _)) in edges.iter().enumerate().filter(usable) {
            grouped[next[before]] = index;
            next[before] += 1;
        }
        Successors { first, edges: grouped }
    }

    fn of(&self, node: usize) -> &[usize] {
        &self.edges[self.first[node]..self.first[node + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::waves;
    use proptest::prelude::*;

    #[test]
    fn nothing_to_number() {
        assert_eq!(waves(0, &[]), Ok(vec![]));
        assert_eq!(waves(3, &[]), Ok(vec![1, 1, 1]));
    }

    #[test]
    fn the_longest_path_decides() {
        // 0 -> 1 -> 2 and 0 -> 2: the short cut does not pull 2 forward.
        assert_eq!(waves(3, &[(0, 1), (1, 2), (0, 2)]), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn edges_outside_the_graph_are_ignored() {
        assert_eq!(waves(2, &[(0, 1), (1, 7), (9, 0)]), Ok(vec![1, 2]));
        assert_eq!(waves(0, &[(0, 0)]), Ok(vec![]));
    }

    #[test]
    fn a_node_after_itself_is_the_shortest_cycle_there_is() {
        assert_eq!(waves(3, &[(0, 1), (1, 0), (2, 2)]), Err(vec![2]));
    }

    #[test]
    fn the_cycle_starts_at_its_lowest_node_and_follows_the_edges() {
        // A long cycle 0-1-2-3 and a short one 2-4; what hangs behind does not confuse.
        let edges = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 2), (2, 4), (3, 5)];
        assert_eq!(waves(6, &edges), Err(vec![5, 4]));
    }

    #[test]
    fn a_hundred_thousand_nodes_in_a_row_do_not_overflow_the_stack() {
        let n = 100_000;
        let edges: Vec<_> = (1..n).map(|node| (node - 1, node)).collect();
        let waves = waves(n, &edges).unwrap();
        assert_eq!(waves[n - 1], 100_000);
    }

    /// Edges that cannot form a cycle, because each goes from a lower to a higher number, under
    /// names that hide that order.
    fn acyclic() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (1_usize..12).prop_flat_map(|n| {
            let pairs = proptest::collection::vec((0..n, 0..n), 0..30);
            let names = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
            (Just(n), pairs, names).prop_map(|(n, pairs, names)| {
                let edges = pairs
                    .into_iter()
                    .filter(|(a, b)| a != b)
                    .map(|(a, b)| (names[a.min(b)], names[a.max(b)]))
                    .collect();
                (n, edges)
            })
        })
    }

    fn any_graph() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (1_usize..8).prop_flat_map(|n| (Just(n), proptest::collection::vec((0..n, 0..n), 0..14)))
    }

    /// The length of the shortest cycle by powers of the adjacency matrix: some node can reach
    /// itself in exactly `k` steps. Knows nothing of searches or paths.
    fn shortest_cycle_length(n: usize, edges: &[(usize, usize)]) -> Option<usize> {
        let mut step = vec![vec![false; n]; n];
        for &(before, after) in edges {
            step[before][after] = true;
        }
        let mut reach = step.clone();
        for length in 1..=n {
            if (0..n).any(|node| reach[node][node]) {
                return Some(length);
            }
            reach = (0..n)
                .map(|from| (0..n).map(|to| (0..n).any(|via| reach[from][via] && step[via][to])).collect())
                .collect();
        }
        None
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn every_edge_increases_and_waves_are_minimal_and_dense((n, edges) in acyclic()) {
            let waves = waves(n, &edges).expect("acyclic by construction");
            prop_assert_eq!(waves.len(), n);
            for &(before, after) in &edges {
                prop_assert!(waves[before] < waves[after]);
            }
            for node in 0..n {
                // Minimal: something in the wave just before is what keeps it back.
                let kept_back = edges
                    .iter()
                    .any(|&(before, after)| after == node && waves[before] + 1 == waves[node]);
                prop_assert!(waves[node] == 1 || kept_back);
            }
            let highest = waves.iter().copied().max().unwrap_or(0);
            for wave in 1..=highest {
                prop_assert!(waves.contains(&wave));
            }
        }

        #[test]
        fn the_order_of_edges_does_not_matter((n, edges) in acyclic(), seed in any::<u64>()) {
            let mut shuffled = edges.clone();
            shuffled.sort_by_key(|&(a, b)| (a as u64 * 31 + b as u64).wrapping_mul(seed | 1));
            prop_assert_eq!(waves(n, &edges), waves(n, &shuffled));
        }

        #[test]
        fn a_reported_cycle_is_a_cycle_and_none_is_shorter((n, edges) in any_graph()) {
            match (waves(n, &edges), shortest_cycle_length(n, &edges)) {
                (Ok(_), None) => {}
                (Err(cycle), Some(shortest)) => {
                    prop_assert_eq!(cycle.len(), shortest);
                    for (position, &edge) in cycle.iter().enumerate() {
                        let next = cycle[(position + 1) % cycle.len()];
                        prop_assert_eq!(edges[edge].1, edges[next].0);
                    }
                    let start = edges[cycle[0]].0;
                    prop_assert!(cycle.iter().all(|&edge| edges[edge].0 >= start));
                }
                (got, expected) => prop_assert!(false, "{got:?} but shortest cycle {expected:?}"),
            }
        }
    }
}
