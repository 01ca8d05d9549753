//! Mistakes, in Go's words.

use super::cases;

cases! {
    // Templates that cannot be read
    unclosed_action: "a\n{{ .s" => "template: t:2: unclosed action";
    unclosed_action_on_a_later_line: "{{ .s\n\n" => "template: t:3: unclosed action started at t:1";
    unclosed_comment: "{{/* a" => "template: t:1: unclosed comment";
    comment_not_alone: "{{/* a */ .s}}" => "template: t:1: comment ends before closing delimiter";
    unclosed_string: "{{\"a}}" => "template: t:1: unterminated quoted string";
    unclosed_raw_string: "{{`a}}" => "template: t:1: unterminated raw quoted string";
    unclosed_character: "{{'a}}" => "template: t:1: unterminated character constant";
    unclosed_parenthesis: "{{(1}}" => "template: t:1: unclosed left paren";
    closing_parenthesis: "{{1)}}" => "template: t:1: unexpected right paren";
    bad_character: "{{a&b}}" => "template: t:1: bad character U+0026 '&'";
    strange_character: "{{ \u{1} }}" => "template: t:1: unrecognized character in action: U+0001";
    char_token: "{{ ! }}" => "template: t:1: unexpected \"!\" in command";
    char_operand: "{{ .s ! }}" => "template: t:1: unexpected \"!\" in operand";
    bad_number: "{{1a}}" => "template: t:1: bad number syntax: \"1a\"";
    malformed_number: "{{089}}" => "template: t:1: integer overflow: \"089\"";
    huge_number: "{{18446744073709551616}}" => "template: t:1: integer overflow: \"18446744073709551616\"";
    bad_escape: r#"{{"\z"}}"# => "template: t:1: invalid syntax";
    long_character: "{{'ab'}}" => "template: t:1: malformed character constant: 'ab'";
    no_function: "{{nosuch 1}}" => "template: t:1: function \"nosuch\" not defined";
    no_variable: "{{$x}}" => "template: t:1: undefined variable \"$x\"";
    variable_out_of_scope: "{{if true}}{{$x := 1}}{{end}}{{$x}}" => "template: t:1: undefined variable \"$x\"";
    assigned_variable_counts_as_declared: "{{$x = 1}}" => "template: t:1:7: executing \"t\" at <1>: undefined variable: $x";
    empty_action: "{{}}" => "template: t:1: missing value for command";
    empty_if: "{{if}}{{end}}" => "template: t:1: missing value for if";
    empty_parentheses: "{{()}}" => "template: t:1: missing value for parenthesized pipeline";
    empty_pipe: "{{1 | }}" => "1";
    constant_in_pipeline: "{{1 | 2}}" => "template: t:1: non executable command in pipeline stage 2";
    no_end: "{{if true}}a" => "template: t:1: unexpected EOF";
    stray_end: "a{{end}}" => "template: t:1: unexpected {{end}}";
    stray_else: "{{else}}" => "template: t:1: unexpected {{else}}";
    two_elses: "{{if 1}}{{else}}{{else}}{{end}}" => "template: t:1: expected end; found {{else}}";
    else_range: "{{range .list}}{{else range .list}}{{end}}" => "template: t:1: unexpected <range> in else";
    break_alone: "{{break}}" => "template: t:1: {{break}} outside {{range}}";
    continue_in_definition: "{{range 1}}{{block `a` .}}{{continue}}{{end}}{{end}}"
        => "template: t:1: {{continue}} outside {{range}}";
    break_with_more: "{{range 1}}{{break 1}}{{end}}" => "template: t:1: unexpected \"1\" in {{break}}";
    define_inside: "{{if 1}}{{define `a`}}{{end}}{{end}}" => "template: t:1: unexpected <define> in command";
    define_without_name: "{{define a}}{{end}}" => "template: t:1: unexpected \"a\" in define clause";
    define_twice: "{{define `a`}}1{{end}}\n{{define `a`}}2{{end}}"
        => "template: t:2: template: multiple definition of template \"a\"";
    template_without_name: "{{template .s}}" => "template: t:1: unexpected \".s\" in template clause";
    block_without_value: "{{block `a`}}{{end}}" => "template: t:1: missing value for block clause";
    range_three: "{{range $a, $b, $c := .list}}{{end}}" => "template: t:1: too many declarations in range";
    two_in_command: "{{$a, $b := 1}}" => "template: t:1: too many declarations in command";
    range_constant: "{{range $a, 1}}{{end}}" => "template: t:1: range can only initialize variables";
    field_of_constant: "{{1.a}}" => "template: t:1: bad number syntax: \"1.a\"";
    field_of_string: "{{`a`.b}}" => "template: t:1: unexpected . after term \"`a`\"";
    line_of_mistake: "a\nb\n{{.s}}\n{{nosuch}}" => "template: t:4: function \"nosuch\" not defined";
    lone_colon: "{{$x : 1}}" => "template: t:1: undefined variable \"$x\"";
    long_token: "{{template abcdefghijklmn}}" => "template: t:1: unexpected \"abcdefghij\"... in template clause";

    // Fields
    field_of_nil: "{{.gone.a}}"
        => "template: t:1:7: executing \"t\" at <.gone.a>: nil pointer evaluating interface {}.a";
    field_of_nil_deep: "a\n  {{ .deep.x.y.z }}"
        => "template: t:2:10: executing \"t\" at <.deep.x.y.z>: nil pointer evaluating interface {}.y";
    field_of_text: "{{.s.a}}" => "template: t:1:4: executing \"t\" at <.s.a>: can't evaluate field a in type interface {}";
    field_of_text_in_with: "{{with .s}}{{.a}}{{end}}"
        => "template: t:1:13: executing \"t\" at <.a>: can't evaluate field a in type string";
    field_of_float: "{{.n.a}}" => "template: t:1:4: executing \"t\" at <.n.a>: can't evaluate field a in type interface {}";
    field_of_variable: "{{$x := .list}}{{$x.a}}"
        => "template: t:1:19: executing \"t\" at <$x.a>: can't evaluate field a in type []interface {}";
    field_of_nil_item: "{{range .mixed}}{{with $.nil}}{{else}}{{end}}{{end}}{{range list nil}}{{.a}}{{end}}"
        => "template: t:1:72: executing \"t\" at <.a>: nil pointer evaluating interface {}.a";
    field_of_explicit_nil: "{{(nil).a}}" => "template: t:1:3: executing \"t\" at <nil>: nil is not a command";
    field_with_arguments: "{{.map.one 1}}" => "template: t:1:6: executing \"t\" at <.map.one>: one is not a method but has arguments";
    piped_into_field: "{{1 | .map.one}}" => "template: t:1:10: executing \"t\" at <.map.one>: one is not a method but has arguments";

    // Commands
    nil_command: "{{nil}}" => "template: t:1:2: executing \"t\" at <nil>: nil is not a command";
    arguments_for_constant: "{{1 2}}" => "template: t:1:2: executing \"t\" at <1>: can't give argument to non-function 1";
    arguments_for_parentheses: "{{(1) 2}}" => "template: t:1:2: executing \"t\" at <(1) 2>: can't give argument to non-function 1";
    arguments_for_variable: "{{$x := 1}}{{$x 2}}" => "template: t:1:13: executing \"t\" at <$x>: can't give argument to non-function $x";
    piped_into_variable: "{{$x := 1}}{{3 | $x}}" => "template: t:1:17: executing \"t\" at <$x>: can't give argument to non-function $x";
    too_large_for_int: "{{9223372036854775808}}" => "template: t:1:2: executing \"t\" at <9223372036854775808>: 9223372036854775808 overflows int";

    // Arguments
    too_few: "{{oneArg}}" => "template: t:1:2: executing \"t\" at <oneArg>: wrong number of args for oneArg: want 1 got 0";
    too_many: "{{`c` | twoArgs `a` `b`}}" => "template: t:1:8: executing \"t\" at <twoArgs>: wrong number of args for twoArgs: want 2 got 3";
    too_few_for_variadic: "{{join}}" => "template: t:1:2: executing \"t\" at <join>: wrong number of args for join: want at least 1 got 0";
    string_wanted: "{{oneArg 1}}" => "template: t:1:9: executing \"t\" at <1>: expected string; found 1";
    string_wanted_of_field: "{{oneArg .i}}" => "template: t:1:9: executing \"t\" at <.i>: wrong type for value; expected string; got int";
    string_wanted_of_float: "{{oneArg .n}}" => "template: t:1:9: executing \"t\" at <.n>: wrong type for value; expected string; got float64";
    string_wanted_of_missing: "{{oneArg .gone}}" => "template: t:1:9: executing \"t\" at <.gone>: wrong type for value; expected string; got interface {}";
    string_wanted_of_nil: "{{oneArg nil}}" => "template: t:1:9: executing \"t\" at <nil>: cannot assign nil to string";
    string_wanted_of_piped: "{{3 | oneArg}}" => "template: t:1:6: executing \"t\" at <oneArg>: wrong type for value; expected string; got int";
    string_wanted_of_piped_nil: "{{.gone | oneArg}}" => "template: t:1:10: executing \"t\" at <oneArg>: invalid value; expected string";
    int_wanted: "{{trunc `a` `b`}}" => "template: t:1:8: executing \"t\" at <`a`>: expected integer; found `a`";
    int_wanted_of_fraction: "{{trunc 1.5 `b`}}" => "template: t:1:8: executing \"t\" at <1.5>: expected integer; found 1.5";
    int_wanted_of_float: "{{trunc .n `b`}}" => "template: t:1:8: executing \"t\" at <.n>: wrong type for value; expected int; got float64";
    bool_wanted: "{{boolean 1}}" => "template: t:1:10: executing \"t\" at <1>: expected bool; found 1";
    float_wanted: "{{floats true}}" => "template: t:1:9: executing \"t\" at <true>: expected float; found true";
    map_wanted: "{{maps 1}}" => "template: t:1:7: executing \"t\" at <1>: can't handle 1 for arg of type map[string]interface {}";
    map_wanted_of_text: "{{maps .s}}" => "template: t:1:7: executing \"t\" at <.s>: wrong type for value; expected map[string]interface {}; got string";
    map_wanted_of_missing: "{{maps .gone}}" => "template: t:1:7: executing \"t\" at <.gone>: wrong type for value; expected map[string]interface {}; got interface {}";
    list_wanted_of_map: "{{lists .map}}" => "template: t:1:8: executing \"t\" at <.map>: wrong type for value; expected []interface {}; got map[string]interface {}";
    format_wanted: "{{true | printf}}" => "template: t:1:9: executing \"t\" at <printf>: wrong type for value; expected string; got bool";

    // Functions
    function_fails: "{{die}}" => "template: t:1:2: executing \"t\" at <die>: error calling die: die!";
    function_fails_with_arguments: "{{.s | print (die) 1}}" => "template: t:1:14: executing \"t\" at <die>: error calling die: die!";
    index_range: "{{index .list 10}}" => "template: t:1:2: executing \"t\" at <index .list 10>: error calling index: index out of range: 10";
    index_end: "{{index .list 3}}" => "template: t:1:2: executing \"t\" at <index .list 3>: error calling index: reflect: slice index out of range";
    index_negative: "{{index .list -1}}" => "template: t:1:2: executing \"t\" at <index .list -1>: error calling index: index out of range: -1";
    index_float: "{{index .list .n}}" => "template: t:1:2: executing \"t\" at <index .list .n>: error calling index: cannot index slice/array with type float64";
    index_by_nil: "{{index .list nil}}" => "template: t:1:2: executing \"t\" at <index .list nil>: error calling index: cannot index slice/array with nil";
    index_map_by_int: "{{index .map 1}}" => "template: t:1:2: executing \"t\" at <index .map 1>: error calling index: value has type int; should be string";
    index_map_by_nil: "{{index .map nil}}" => "template: t:1:2: executing \"t\" at <index .map nil>: error calling index: value is nil; should be of type string";
    index_nil: "{{index .nil 1}}" => "template: t:1:2: executing \"t\" at <index .nil 1>: error calling index: index of untyped nil";
    index_nil_inside: "{{index .map `gone` `a`}}" => "template: t:1:2: executing \"t\" at <index .map `gone` `a`>: error calling index: index of nil pointer";
    index_number: "{{index 1 2}}" => "template: t:1:2: executing \"t\" at <index 1 2>: error calling index: can't index item of type int";
    slice_range: "{{slice .list 2 1}}" => "template: t:1:2: executing \"t\" at <slice .list 2 1>: error calling slice: invalid slice index: 2 > 1";
    slice_beyond: "{{slice .s 1 5}}" => "template: t:1:2: executing \"t\" at <slice .s 1 5>: error calling slice: index out of range: 5";
    slice_string_thrice: "{{slice .s 1 2 2}}" => "template: t:1:2: executing \"t\" at <slice .s 1 2 2>: error calling slice: cannot 3-index slice a string";
    slice_by_field: "{{slice .list .zero}}" => "template: t:1:2: executing \"t\" at <slice .list .zero>: error calling slice: cannot index slice/array with type interface {}";
    slice_map: "{{slice .map 1}}" => "template: t:1:2: executing \"t\" at <slice .map 1>: error calling slice: can't slice item of type map[string]interface {}";
    slice_many: "{{slice .list 1 1 1 1}}" => "template: t:1:2: executing \"t\" at <slice .list 1 1 1 1>: error calling slice: too many slice indexes: 4";
    len_of_number: "{{len 3}}" => "template: t:1:2: executing \"t\" at <len 3>: error calling len: len of type int";
    len_of_missing: "{{len .gone}}" => "template: t:1:2: executing \"t\" at <len .gone>: error calling len: len of nil pointer";
    len_of_nil: "{{len nil}}" => "template: t:1:2: executing \"t\" at <len nil>: error calling len: reflect: call of reflect.Value.Type on zero Value";
    eq_kinds: "{{eq .n 3}}" => "template: t:1:2: executing \"t\" at <eq .n 3>: error calling eq: incompatible types for comparison: float64 and int";
    eq_text_and_number: "{{if eq .s 1}}{{end}}" => "template: t:1:5: executing \"t\" at <eq .s 1>: error calling eq: incompatible types for comparison: string and int";
    eq_alone: "{{eq 1}}" => "template: t:1:2: executing \"t\" at <eq 1>: error calling eq: missing argument for comparison";
    eq_lists: "{{eq .list .list}}" => "template: t:1:2: executing \"t\" at <eq .list .list>: error calling eq: non-comparable type [%!s(int=3) %!s(int=4) %!s(int=5)]: []interface {}";
    eq_maps: "{{eq .e .e}}" => "template: t:1:2: executing \"t\" at <eq .e .e>: error calling eq: non-comparable type map[]: map[string]interface {}";
    eq_list_and_map: "{{eq .none .e}}" => "template: t:1:2: executing \"t\" at <eq .none .e>: error calling eq: non-comparable types []: []interface {}, map[string]interface {}: map[]";
    eq_list_and_text: "{{eq .none `a`}}" => "template: t:1:2: executing \"t\" at <eq .none `a`>: error calling eq: incompatible types for comparison: []interface {} and string";
    ne_kinds: "{{ne 1 `a`}}" => "template: t:1:2: executing \"t\" at <ne 1 `a`>: error calling ne: incompatible types for comparison: int and string";
    lt_booleans: "{{lt true false}}" => "template: t:1:2: executing \"t\" at <lt true false>: error calling lt: invalid type for comparison";
    lt_nil: "{{lt .gone 1}}" => "template: t:1:2: executing \"t\" at <lt .gone 1>: error calling lt: invalid type for comparison";
    gt_kinds: "{{gt .n 1}}" => "template: t:1:2: executing \"t\" at <gt .n 1>: error calling gt: incompatible types for comparison: float64 and int";
    call_nothing: "{{call nil}}" => "template: t:1:2: executing \"t\" at <call nil>: error calling call: call of nil";
    call_text: "{{call .s 1}}" => "template: t:1:2: executing \"t\" at <call .s 1>: error calling call: non-function .s of type string";
    call_without: "{{call}}" => "template: t:1:2: executing \"t\" at <call>: wrong number of args for call: want at least 1 got 0";
    and_without: "{{and}}" => "template: t:1:2: executing \"t\" at <and>: wrong number of args for and: want at least 1 got 0";
    not_two: "{{not 1 2}}" => "template: t:1:2: executing \"t\" at <not>: wrong number of args for not: want 1 got 2";

    // Loops and templates
    range_text: "{{range .s}}{{end}}" => "template: t:1:8: executing \"t\" at <.s>: range can't iterate over xyz";
    range_float: "{{range .n}}{{end}}" => "template: t:1:8: executing \"t\" at <.n>: range can't iterate over 3";
    range_int_pairs: "{{range $i, $x := 2}}{{end}}" => "template: t:1:18: executing \"t\" at <2>: can't use 2 to iterate over more than one variable";
    template_missing: "a{{template `gone` .}}" => "template: t:1:12: executing \"t\" at <{{template \"gone\" .}}>: template \"gone\" not defined";
    mistake_in_template: "{{define `a`}}\n  {{.s.b}}{{end}}{{template `a` .}}"
        => "template: t:2:6: executing \"a\" at <.s.b>: can't evaluate field b in type interface {}";
    mistake_in_include: "{{define `a`}}{{die}}{{end}}\n{{include `a` . | len}}"
        => "template: t:2:2: executing \"t\" at <include `a` .>: error calling include: template: t:1:16: executing \"a\" at <die>: error calling die: die!";
    include_missing: "{{include `gone` .}}"
        => "template: t:1:2: executing \"t\" at <include `gone` .>: error calling include: template: no template \"gone\" associated with template \"gotpl\"";
    mistake_in_tpl: "{{tpl `{{.s.b}}` .}}"
        => "template: t:1:2: executing \"t\" at <tpl `{{.s.b}}` .>: error calling tpl: error during tpl function execution for \"{{.s.b}}\": template: gotpl:1:4: executing \"gotpl\" at <.s.b>: can't evaluate field b in type interface {}";
    tpl_unreadable: "{{tpl `{{` .}}"
        => "template: t:1:2: executing \"t\" at <tpl `{{` .>: error calling tpl: cannot parse template \"{{\": template: gotpl:1: unclosed action";
    column_counts_bytes: "é{{.s.b}}" => "template: t:1:6: executing \"t\" at <.s.b>: can't evaluate field b in type interface {}";
    where_of_long_pipelines: "{{ $x := .s | print 1 | oneArg 2 }}"
        => "template: t:1:24: executing \"t\" at <oneArg>: wrong number of args for oneArg: want 1 got 2";
    where_of_chains: "{{ (index .maps 0).name.first }}"
        => "template: t:1:16: executing \"t\" at <0>: can't evaluate field first in type interface {}";
}
