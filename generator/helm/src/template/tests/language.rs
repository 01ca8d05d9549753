//! The language: text, values, variables, control, templates.

use super::cases;

cases! {
    // Text and space
    nothing: "" => "";
    text: "some text\n" => "some text\n";
    text_with_braces: "a { b } }} c" => "a { b } }} c";
    trim_left: "a \n\t {{- 1}} b" => "a1 b";
    trim_right: "a {{1 -}} \r\n b" => "a 1b";
    trim_both: "a\n{{- 1 -}}\nb" => "a1b";
    trim_across_actions: "a  {{1 -}}  {{- 2}}  b" => "a  12  b";
    minus_without_space_is_a_number: "{{-3}}{{ -3 }}" => "-3-3";
    trim_with_minus_number: "a {{- -3 -}} b" => "a-3b";
    trim_keeps_other_spaces: "a\u{a0}{{- 1}}" => "a\u{a0}1";
    comment: "a{{/* c */}}b" => "ab";
    comment_with_lines: "a{{/* c\n\nd */}}b" => "ab";
    comment_trimmed: "a  {{- /* c */ -}}  b" => "ab";
    comment_with_braces: "{{/* }} {{ */}}x" => "x";
    newline_in_action: "{{ print\n1\n2 }}" => "1 2";
    several_lines_of_pipeline: "{{ .s\n| print\n| len }}" => "3";

    // Constants
    int: "{{printf `%T` 3}}" => "int";
    float: "{{printf `%T` 1.0}}" => "float64";
    exponent: "{{printf `%T` 1e1}} {{1e1}}" => "float64 10";
    hexadecimal: "{{print 0x123}} {{print 0X1F}} {{printf `%T` 0xee}}" => "291 31 int";
    octal: "{{print 0377 0o377 0O17}}" => "255 255 15";
    binary: "{{print 0b101 0B11}}" => "5 3";
    underscores: "{{print 12_34 0x1_23 0b_1_0_1}}" => "1234 291 5";
    float_underscores: "{{print 1_2.3_4}}" => "12.34";
    hexadecimal_float: "{{print +0x1.ep+2 0x1p-2}}" => "7.5 0.25";
    negative: "{{-7}} {{+7}} {{-1.5}}" => "-7 7 -1.5";
    negative_zero: "{{-0}} {{-0.0}}" => "0 -0";
    largest: "{{9223372036854775807}} {{-9223372036854775808}}" => "9223372036854775807 -9223372036854775808";
    character: "{{print 'a' '\\n' '\\x41' '\\u00e9' 'é' '\\''}}" => "97 10 65 233 233 39";
    character_is_int: "{{printf `%T %c` 'e' 'e'}}" => "int e";
    complex: "{{1i}} {{1+2i}} {{printf `%T` 1i}}" => "(0+1i) (1+2i) complex128";
    string_escapes: r#"{{"a\tb\n\"q\" \\ \x41 \u00e9 \U0001F600 \101"}}"# => "a\tb\n\"q\" \\ A é 😀 A";
    string_bytes_make_characters: r#"{{"\xc3\xa9"}}"# => "é";
    raw_string: "{{`a\\n\"b`}}" => "a\\n\"b";
    raw_string_with_lines: "{{`a\nb`}}" => "a\nb";
    raw_string_drops_carriage_returns: "{{`a\r\nb`}}" => "a\nb";
    booleans: "{{true}} {{false}}" => "true false";

    // Fields
    field: "{{.s}}" => "xyz";
    fields: "{{.deep.a.b.c}}" => "v";
    missing_field: "[{{.gone}}]" => "[<no value>]";
    nil_field: "[{{.nil}}]" => "[<no value>]";
    field_in_parentheses: "{{(.deep).a.b.c}} {{(.deep.a).b.c}}" => "v v";
    missing_in_parentheses: "{{(.gone).further.still}}" => "<no value>";
    field_of_function: "{{(dict `up` `down`).up}}" => "down";
    field_of_pipeline: "{{(.deep | echo).a.b.c}}" => "v";
    dot: "{{with .s}}{{.}}{{end}}" => "xyz";
    dollar: "{{with .s}}{{$.i}}{{end}}" => "17";
    dollar_fields: "{{$.deep.a.b.c}}" => "v";
    unicode_field: "{{(dict `größe` 1).größe}}" => "1";

    // Variables
    declare: "{{$x := .s}}{{$x}}" => "xyz";
    declare_prints_nothing: "[{{$x := 1}}]" => "[]";
    assign: "{{$x := 2}}{{$x = 3}}{{$x}}" => "3";
    assign_in_block: "{{$x := 2}}{{if true}}{{$x = 3}}{{end}}{{$x}}" => "3";
    declare_in_block: "{{$x := 1}}{{if true}}{{$x := 2}}{{$x = 4}}{{end}}{{$x}}" => "1";
    redeclare: "{{$x := 1}}{{$x := `a`}}{{$x}}" => "a";
    variable_fields: "{{$x := .deep}}{{$x.a.b.c}}" => "v";
    variable_of_missing_has_fields: "{{$x := .gone}}[{{$x.a.b}}]" => "[<no value>]";
    variable_of_pipeline: "{{$x := .list | len}}{{$x}}" => "3";
    variable_in_parentheses: "{{print ($x := 3) $x}}" => "3 3";

    // Pipelines
    pipeline: "{{.s | printf `%s-%s` `a`}}" => "a-xyz";
    long_pipeline: "{{`a` | oneArg | twoArgs `b` | len}}" => "17";
    parentheses: "{{printf `%d %d %d` (1) (2 | add 3) (add 4 (add 5 6))}}" => "1 5 15";
    parenthesised_constant: "{{(1)}} {{((`a`))}}" => "1 a";
    nil_is_handed_on: "{{.nil | printf `%v`}}" => "<nil>";
    nil_argument: "{{print nil}} {{echo nil}}" => "<nil> <no value>";
    function_without_arguments_as_argument: "{{print nothing 1}}" => "<nil> 1";
    variadic: "{{join `-`}}|{{join `-` `a`}}|{{`c` | join `-` `a` `b`}}" => "|a|a-b-c";
    piped_into_fixed: "{{`aaa` | twoArgs `bbb`}}" => "twoArgs=bbbaaa";
    float_constant_for_int: "{{trunc 2.0 .s}}" => "xy";
    int_constant_for_float: "{{floats 3 | printf `%T`}}" => "float64";
    character_for_int: "{{add 'a' 1}}" => "98";
    nil_for_map: "{{maps nil | print}}" => "<nil>";

    // Conditions
    if_true: "{{if true}}T{{end}}" => "T";
    if_else: "{{if false}}T{{else}}F{{end}}" => "F";
    if_else_if: "{{if eq 1 3}}1{{else if eq 2 3}}2{{else if eq 3 3}}3{{else}}4{{end}}" => "3";
    if_else_if_else: "{{if .f}}1{{else if .zero}}2{{else}}4{{end}}" => "4";
    truth: "{{range list 0 1 0.0 0.5 `` `a` false true .nil .none .list .e .map}}{{if .}}1{{else}}0{{end}}{{end}}"
        => "0101010100101";
    if_missing: "{{if .gone}}T{{else}}F{{end}}" => "F";
    if_keeps_dot: "{{if .s}}{{.i}}{{end}}" => "17";
    if_declares: "{{if $x := .s}}{{$x}}{{end}}" => "xyz";
    if_declares_for_else: "{{if $x := .empty}}a{{else}}[{{$x}}]{{end}}" => "[]";
    with: "{{with .deep.a}}{{.b.c}}{{end}}" => "v";
    with_else: "{{with .empty}}a{{else}}{{.s}}{{end}}" => "xyz";
    with_else_with: "{{with 0}}{{.}}{{else with false}}{{.}}{{else with `x`}}{{.}}{{end}}" => "x";
    with_variable: "{{with $x := .deep}}{{$x.a.b.c}}{{.a.b.c}}{{end}}" => "vv";
    with_missing: "{{with .gone}}a{{else}}b{{end}}" => "b";

    // Loops
    range_list: "{{range .list}}-{{.}}-{{end}}" => "-3--4--5-";
    range_empty: "{{range .none}}a{{end}}" => "";
    range_else: "{{range .none}}a{{else}}{{.s}}{{end}}" => "xyz";
    range_nil: "{{range .nil}}a{{else}}b{{end}}{{range .gone}}a{{else}}b{{end}}" => "bb";
    range_map_is_sorted: "{{range .map}}{{.}}{{end}}" => "132";
    range_map_keys: "{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}" => "one=1;three=3;two=2;";
    range_one_variable: "{{range $x := .list}}<{{$x}}{{.}}>{{end}}" => "<33><44><55>";
    range_two_variables: "{{range $i, $x := .list}}{{$i}}={{$x}};{{end}}" => "0=3;1=4;2=5;";
    range_int: "{{range 3}}{{.}}{{end}}" => "012";
    range_int_variable: "{{range $i := 3}}{{$i}}{{end}}" => "012";
    range_int_zero: "{{range 0}}a{{else}}b{{end}}{{range -1}}a{{else}}b{{end}}" => "bb";
    range_assigns: "{{$i := 0}}{{$x := 0}}{{range $i, $x = .list}}{{end}}{{$i}}{{$x}}" => "25";
    range_assigns_one: "{{$x := 0}}{{range $x = .list}}{{end}}{{$x}}" => "5";
    range_scope: "{{$x := 1}}{{range .list}}{{$x := .}}{{end}}{{$x}}" => "1";
    range_variables_do_not_leak_between_rounds:
        "{{range .list}}{{$y := .}}{{$y}}{{end}}{{range .list}}{{$z := 1}}{{end}}" => "345";
    range_nested: "{{range $i, $a := .names}}{{range $j, $b := $.names}}{{$i}}{{$j}}{{$a}}{{$b}} {{end}}{{end}}"
        => "00aa 01ab 10ba 11bb ";
    range_maps: "{{range .maps}}{{.name}}{{end}}" => "xy";
    range_index_of_mixed: "{{range $i, $x := .mixed}}{{$i}}:{{$x}},{{end}}"
        => "0:1,1:two,2:<no value>,3:true,4:2.5,5:[1],6:map[k:v n:w],";
    break_out: "{{range .list}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}" => "3";
    break_without_else: "{{range .list}}a{{break}}b{{else}}c{{end}}" => "a";
    go_on: "{{range .list}}{{if eq . 4}}{{continue}}{{end}}{{.}}{{end}}" => "35";
    break_inner: "{{range .names}}{{range $.list}}{{.}}{{break}}{{end}}{{.}}{{end}}" => "3a3b";
    break_in_with: "{{range .list}}{{with .}}{{break}}{{end}}{{end}}x" => "x";
    break_int_and_map: "{{range 5}}{{.}}{{break}}{{end}}{{range .map}}{{.}}{{break}}{{end}}" => "01";
    continue_keeps_variables: "{{$n := 0}}{{range .list}}{{$y := 1}}{{$n = add $n .}}{{continue}}{{end}}{{$n}}" => "12";

    // Templates
    define: "{{define `a`}}[{{.}}]{{end}}{{template `a` .s}}" => "[xyz]";
    define_later: "{{template `a` .i}}{{define `a`}}[{{.}}]{{end}}" => "[17]";
    template_without_value: "{{define `a`}}[{{.}}]{{end}}{{template `a`}}" => "[<no value>]";
    template_has_its_own_variables: "{{define `a`}}{{$.name}}{{end}}{{range .maps}}{{template `a` .}}{{end}}" => "xy";
    template_raw_and_escaped_names: "{{define \"a\\x62\"}}1{{end}}{{template `ab`}}" => "1";
    template_in_range: "{{define `a`}}{{range .}}{{.}}{{end}}{{end}}{{range .names}}{{template `a` $.list}}{{end}}"
        => "345345";
    empty_definition_does_not_replace: "{{define `a`}}1{{end}}{{define `a`}} {{end}}{{template `a`}}" => "1";
    block: "{{block `b` .s}}[{{.}}]{{end}}" => "[xyz]";
    block_again: "{{block `b` .s}}[{{.}}]{{end}}{{template `b` .i}}" => "[xyz][17]";
    define_in_the_middle: "a{{define `x`}}no{{end}}b" => "ab";
    recursion: "{{define `r`}}{{.}}{{if lt . 3}}{{template `r` (add . 1)}}{{end}}{{end}}{{template `r` 0}}" => "0123";
    include: "{{define `a`}}[{{.}}]{{end}}{{include `a` .s | len}}" => "5";
    include_trims_nothing: "{{define `a`}}\n x\n{{end}}{{include `a` .}}" => "\n x\n";

    // Functions of the language
    and_values: "{{and false 0}} {{and 1 0}} {{and 0 true}} {{and 1 1}} {{and 1}}" => "false 0 0 1 1";
    or_values: "{{or 0 0}} {{or 1 0}} {{or 0 true}} {{or `` `a`}} {{or 0}}" => "0 1 true a 0";
    and_stops: "{{and 1 0 (die)}} {{and .nil (die)}}" => "0 <no value>";
    or_stops: "{{or 0 1 (die)}}" => "1";
    and_or_piped: "{{1 | and 1}} {{0 | and 1}} {{1 | or 0}} {{2 | or 1}}" => "1 0 1 1";
    and_of_missing: "{{and 1 .gone}} {{or 0 .gone}}" => "<no value> <no value>";
    not: "{{not true}} {{not 0}} {{not `a`}} {{not .nil}} {{not .gone}} {{true | not}}"
        => "false true false true true false";
    eq_strings: "{{eq .s `xyz`}} {{eq .s `a`}}" => "true false";
    eq_several: "{{eq 1 2 3 1}} {{eq 1 2 3}}" => "true false";
    eq_nil: "{{eq .nil nil}} {{eq .gone nil}} {{eq .s nil}} {{eq nil .list}}" => "true true false false";
    eq_nil_and_scalar: "{{eq .gone `a`}} {{eq 1 .gone}} {{ne .gone true}}" => "false false true";
    eq_floats: "{{eq .n 3.0}} {{eq 1.5 1.5 }} {{ne .n 3.5}}" => "true true true";
    eq_booleans: "{{eq .t true}} {{eq .t false}} {{ne .t .f}}" => "true false true";
    order_of_ints: "{{lt 1 2}} {{lt 2 2}} {{le 2 2}} {{gt 2 1}} {{gt 2 2}} {{ge 2 2}} {{ge 1 2}}"
        => "true false true true false true false";
    order_of_floats: "{{lt 1.0 2.5}} {{gt .n 2.9}} {{le .n 3.0}}" => "true true true";
    order_of_strings: "{{lt `a` `b`}} {{gt `a` `B`}} {{le `` `a`}} {{ge `é` `z`}}" => "true true true true";
    eq_character: "{{eq 97 'a'}}" => "true";
    len: "{{len .s}} {{len .list}} {{len .map}} {{len ``}} {{len `é`}} {{len .e}}" => "3 3 3 0 2 0";
    index_list: "{{index .list 0}} {{index .list 2}}" => "3 5";
    index_map: "{{index .map `one`}} [{{index .map `gone`}}]" => "1 [<no value>]";
    index_deep: "{{index .deep `a` `b` `c`}} {{index .maps 1 `name`}}" => "v y";
    index_string: "{{index .s 0}}" => "120";
    index_nothing: "{{index .s}}" => "xyz";
    index_piped: "{{0 | index .list}}" => "3";
    index_then_field: "{{(index .maps 0).name}}" => "x";
    slice_list: "{{slice .list}} {{slice .list 1}} {{slice .list 1 2}} {{slice .list 1 2 3}} {{slice .list 3}}"
        => "[3 4 5] [4 5] [4] [4] []";
    slice_string: "{{slice .s}} {{slice .s 1}} {{slice .s 0 2}} [{{slice .s 3}}]" => "xyz yz xy []";
    html: r#"{{html "<a href='x'>\"&\"</a>"}}"# => "&lt;a href=&#39;x&#39;&gt;&#34;&amp;&#34;&lt;/a&gt;";
    html_of_nothing: "{{html .nil}} {{html 1 2 `a`}}" => "&lt;no value&gt; 1 2a";
    js: r#"{{js "It'd \"be\" <b>nice</b>=&\n\\ é \u2028"}}"#
        => r#"It\'d \"be\" \u003Cb\u003Enice\u003C/b\u003E\u003D\u0026\u000A\\ é \u2028"#;
    urlquery: "{{`http://a.b/?c=d e&f=é+~-_.` | urlquery}}"
        => "http%3A%2F%2Fa.b%2F%3Fc%3Dd+e%26f%3D%C3%A9%2B~-_.";
    urlquery_of_values: "{{urlquery 1 2 .nil}}" => "1+2%3Cno+value%3E";

    // Helm's
    tpl: "{{tpl `{{.s}}-{{.i}}` .}}" => "xyz-17";
    tpl_without_actions: "{{tpl `plain` .}}" => "plain";
    tpl_sees_templates: "{{define `a`}}[{{.}}]{{end}}{{tpl `{{include \"a\" .s}}` .}}" => "[xyz]";
    tpl_defines_for_itself: "{{tpl `{{define \"in\"}}x{{end}}{{include \"in\" .}}` .}}" => "x";
    tpl_redefines_for_itself:
        "{{define `a`}}1{{end}}{{tpl `{{define \"a\"}}2{{end}}{{template \"a\"}}` .}}{{template `a`}}" => "21";
    tpl_in_tpl: "{{tpl (tpl `{{print \"{{.i}}\"}}` .) .}}" => "17";
    tpl_drops_no_value: "[{{tpl `{{.gone}}` .}}]" => "[]";
    set_is_seen_by_all: "{{$d := .deep.a}}{{$x := set $d `new` 5}}{{.deep.a.new}}{{$d.new}}{{$x.new}}" => "555";
}
