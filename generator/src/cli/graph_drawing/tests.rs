use std::collections::BTreeSet;

use proptest::prelude::*;

use super::layout::{Link, NODE_LENGTH, lay_out};
use super::{Edge, Graph, Kind, Node, dot, mermaid, svg, text};

fn node(name: &str, wave: u32) -> Node {
    Node { name: name.to_owned(), component: name.to_owned(), wave, kind: Kind::Chart, detail: format!("{name} 1.2.3") }
}

fn edge(from: usize, to: usize, soft: bool, why: &str) -> Edge {
    Edge { from, to, soft, why: why.to_owned() }
}

fn small() -> Graph {
    Graph {
        title: "prod-eu".to_owned(),
        nodes: vec![
            Node { kind: Kind::Namespaces, detail: String::new(), ..node("namespaces", 1) },
            node("network", 2),
            node("certificates", 3),
            Node { kind: Kind::Manifests, ..node("mesh", 4) },
        ],
        edges: vec![
            edge(0, 1, false, "requires namespaces"),
            edge(1, 2, false, "requires network"),
            edge(0, 2, false, "implied by the two above"),
            edge(2, 3, true, "uses certificates"),
            edge(1, 3, false, "implied too"),
            edge(9, 3, false, "from nowhere"),
        ],
    }
}

#[test]
fn narrow_text() {
    let expected = "\
prod-eu: 4 Applications in 4 waves

wave 1
  namespaces

wave 2
  network  network 1.2.3
    after namespaces
      (requires namespaces)

wave 3
  certificates  certificates 1.2.3
    after network (requires network)

wave 4
  mesh  mesh 1.2.3
    after certificates
      (uses certificates)
";
    assert_eq!(text(&small(), 36), expected);
}

#[test]
fn wide_text() {
    let mut graph = small();
    graph.edges.push(edge(0, 3, true, ""));
    graph.nodes.push(node("backup", 3));
    graph.edges.push(edge(4, 3, true, ""));
    let expected = "\
prod-eu: 5 Applications in 4 waves

wave 1
  namespaces

wave 2
  network       network 1.2.3       after namespaces (requires namespaces)

wave 3
  certificates  certificates 1.2.3  after network (requires network)
  backup        backup 1.2.3

wave 4
  mesh          mesh 1.2.3          after certificates (uses certificates)
                                          backup (where enabled)
";
    assert_eq!(text(&graph, 100), expected);
}

#[test]
fn nothing_to_draw() {
    let graph = Graph::default();
    assert_eq!(text(&graph, 80), "no Applications\n");
    assert!(svg(&graph).contains("no Applications"));
    assert!(mermaid(&graph).contains("flowchart LR"));
    assert!(dot(&graph).ends_with("}\n"));
}

#[test]
fn mermaid_and_dot_hold_essential_edges_only() {
    let mermaid = mermaid(&small());
    assert!(mermaid.contains("\n  n0 --> n1\n  n1 --> n2\n  n2 -.-> n3\n"), "{mermaid}");
    assert_eq!(mermaid.matches('>').count() - mermaid.matches("<br/>").count(), 3);
    let dot = dot(&small());
    assert_eq!(dot.matches(" -> ").count(), 3);
    assert!(dot.contains("n2 -> n3 [tooltip=\"uses certificates\", style=dashed];"));
}

#[test]
fn a_hard_edge_beats_a_soft_one_between_the_same_two() {
    let mut graph = small();
    graph.edges.push(edge(2, 3, false, "requires certificates"));
    assert!(mermaid(&graph).contains("n2 --> n3"));
    assert!(!mermaid(&graph).contains("-.->"));
}

#[test]
fn edges_that_do_not_rise_are_survived() {
    let mut graph = small();
    graph.edges.extend([edge(3, 0, false, ""), edge(1, 1, false, ""), edge(3, 2, true, "")]);
    assert!(mermaid(&graph).contains("n3 --> n0"));
    assert!(!svg(&graph).contains("mesh before"));
}

const HOSTILE: &[&str] = &[
    "]]></title><script>alert(1)</script>",
    "\"",
    "\\",
    "'",
    "&amp;",
    "#quot;",
    "-->",
    "`**b**`",
    "%%{init}%%",
    "\u{1b}[31m",
    "\n",
    "\u{0}",
    "{{|}}",
    "<b>",
    "end",
];

#[test]
fn hostile_text_stays_text() {
    for text_of in HOSTILE {
        let mut graph = small();
        graph.title = (*text_of).to_owned();
        for node in &mut graph.nodes {
            node.name = (*text_of).to_owned();
            node.component = (*text_of).to_owned();
            node.detail = (*text_of).to_owned();
        }
        for edge in &mut graph.edges {
            edge.why = (*text_of).to_owned();
        }

        let drawn = svg(&graph);
        assert_eq!(drawn.matches("<script").count(), 0);
        assert_eq!(drawn.matches('<').count(), drawn.matches('>').count(), "{text_of:?}");
        assert_eq!(drawn.matches("<title").count(), drawn.matches("</title>").count());

        for line in mermaid(&graph).lines().skip(4) {
            let quotes = line.matches('"').count();
            assert!(quotes == 0 || quotes == 2, "{line}");
            assert!(!line.contains('`') && !line.contains('\\'), "{line}");
        }
        for line in dot(&graph).lines() {
            let unescaped = line.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(unescaped.matches('"').count() % 2, 0, "{line}");
        }
        for drawn in [drawn, mermaid(&graph), dot(&graph), text(&graph, 40)] {
            assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{text_of:?}");
            assert!(!drawn.contains(super::turns), "{text_of:?}");
        }
    }
}

/// Nodes in columns and links that rise, in any shape.
fn layered() -> impl Strategy<Value = (Vec<usize>, Vec<(usize, usize, bool)>)> {
    proptest::collection::vec(0_usize..6, 1..24).prop_flat_map(|mut columns| {
        columns.sort_unstable();
        let n = columns.len();
        let links = proptest::collection::vec((0..n, 0..n, any::<bool>()), 0..40);
        (Just(columns), links)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn boxes_do_not_touch_and_lines_do_not_run_through_them((columns, links) in layered()) {
        let links: BTreeSet<_> = links.into_iter().filter(|l| columns[l.0] < columns[l.1]).collect();
        let given: Vec<Link> =
            links.iter().map(|&(from, to, soft)| Link { from, to, soft }).collect();
        let layout = lay_out(&columns, &given);
        let half = NODE_LENGTH / 2.0;
        for (a, &y) in layout.node_y.iter().enumerate() {
            prop_assert!(f64::from(y) >= half - 1.0 && f64::from(y) <= f64::from(layout.height) - half + 1.0);
            for (b, &other) in layout.node_y.iter().enumerate() {
                prop_assert!(a == b || columns[a] != columns[b] || f64::from((y - other).abs()) > NODE_LENGTH);
            }
            for (column, line) in layout.lines.iter().flat_map(|line| &line.across) {
                prop_assert!(*column != columns[a] || f64::from((y - line).abs()) > half + 4.0);
            }
        }
        // Every link is drawn, and nothing else.
        let drawn: BTreeSet<_> = layout
            .lines
            .iter()
            .flat_map(|line| line.to.iter().map(|&to| (line.from, to, line.soft)))
            .collect();
        prop_assert_eq!(&drawn, &links);
        for line in &layout.lines {
            for &(left, from, _) in &line.between {
                let leaves_its_source = left == columns[line.from] && from == layout.node_y[line.from];
                prop_assert!(leaves_its_source || line.across.contains(&(left, from)));
            }
        }
    }

    #[test]
    fn essential_edges_reach_as_far_as_all_of_them((columns, links) in layered()) {
        let nodes = columns.iter().enumerate().map(|(i, &c)| node(&i.to_string(), u32::try_from(c).unwrap())).collect();
        let edges: Vec<_> =
            links.iter().filter(|l| columns[l.0] < columns[l.1]).map(|l| edge(l.0, l.1, l.2, "")).collect();
        let graph = Graph { title: String::new(), nodes, edges: edges.clone() };
        let reach = |edges: &[(usize, usize)]| {
            let n = columns.len();
            let mut reach = vec![vec![false; n]; n];
            for &(a, b) in edges { reach[a][b] = true; }
            for via in 0..n { for a in 0..n { for b in 0..n { reach[a][b] |= reach[a][via] && reach[via][b]; } } }
            reach
        };
        let essential: Vec<_> = graph.essential_edges().iter().map(|e| (e.from, e.to)).collect();
        let all: Vec<_> = edges.iter().map(|e| (e.from, e.to)).collect();
        prop_assert_eq!(reach(&essential), reach(&all));
        for left_out in 0..essential.len() {
            let mut fewer = essential.clone();
            fewer.remove(left_out);
            prop_assert_ne!(reach(&fewer), reach(&all));
        }
    }

    #[test]
    fn no_line_of_text_is_longer_than_asked(
        (columns, links) in layered(), width in 30_usize..130, words in proptest::collection::vec("[a-z]{1,8}", 1..6),
    ) {
        let mut graph = Graph { title: words.join(" "), ..Graph::default() };
        for &column in &columns {
            let mut node = node(&words[0], u32::try_from(column).unwrap());
            node.detail = words.join(" ");
            graph.nodes.push(node);
        }
        graph.edges = links.iter().map(|l| edge(l.0, l.1, l.2, &words.join(" "))).collect();
        for line in text(&graph, width).lines() {
            prop_assert!(line.chars().count() <= width, "{:?}", line);
            prop_assert_eq!(line.trim_end(), line);
        }
    }

    #[test]
    fn drawings_are_the_same_every_time_and_hold_plain_numbers((columns, links) in layered()) {
        let nodes = columns.iter().map(|&c| node("application", u32::try_from(c).unwrap())).collect();
        let edges = links.iter().map(|l| edge(l.0, l.1, l.2, "")).collect();
        let graph = Graph { title: "t".to_owned(), nodes, edges };
        let drawn = svg(&graph);
        prop_assert_eq!(&drawn, &svg(&graph));
        let (_, body) = drawn.split_once("</style>").unwrap_or_default();
        for number in body.split(|c: char| !(c.is_ascii_digit() || c == '.')) {
            let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            // The version in a detail is no number of ours.
            prop_assert!(decimals <= 1 || number == "1.2.3", "{}", number);
        }
        prop_assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
    }

    #[test]
    fn no_text_panics(name in any::<String>(), detail in any::<String>(), width in 0_usize..60) {
        let mut graph = small();
        graph.title.clone_from(&detail);
        graph.nodes[1].name = name;
        graph.nodes[2].detail.clone_from(&detail);
        graph.edges[0].why = detail;
        for drawn in [text(&graph, width), svg(&graph), mermaid(&graph), dot(&graph)] {
            prop_assert!(!drawn.is_empty());
        }
    }
}
