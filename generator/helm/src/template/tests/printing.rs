//! Go's fmt.

use super::cases;

cases! {
    // What actions print
    list: "{{.list}} {{.none}} {{.mixed}}" => "[3 4 5] [] [1 two <nil> true 2.5 [1] map[k:v n:w]]";
    map: "{{.map}} {{.e}} {{.deep}}" => "map[one:1 three:3 two:2] map[] map[a:map[b:map[c:v]]]";
    floats: "{{.n}} {{.big}} {{.floats}}" => "3 1e+06 [1 2.5 1e+07]";
    float_range: "{{list 100000.0 999999.0 1000000.0 1234567.0 123456789.0 0.0001 0.00001 1e20 1e21 1e-7}}"
        => "[100000 999999 1e+06 1.234567e+06 1.23456789e+08 0.0001 1e-05 1e+20 1e+21 1e-07]";
    float_digits: "{{list 0.1 0.30000000000000004 1.7976931348623157e308 5e-324 123.456 33.333333333333336}}"
        => "[0.1 0.30000000000000004 1.7976931348623157e+308 5e-324 123.456 33.333333333333336]";

    // print and println
    print_strings: "{{print `a` `b`}} {{print `a` 1 2 `b` 3}} {{print 1 2}}" => "ab a1 2b3 1 2";
    print_values: "{{print nil true 1.5 .list .map}}" => "<nil> true 1.5 [3 4 5] map[one:1 three:3 two:2]";
    print_nothing: "[{{print}}]" => "[]";
    println: "{{println 1 `a` `b`}}{{println}}" => "1 a b\n\n";

    // Strings
    s: "{{printf `%s|%5s|%-5s|%.2s|%5.1s` `abc` `ab` `ab` `abc` `abc`}}" => "abc|   ab|ab   |ab|    a";
    s_zero: "{{printf `%05s|%-05s` `ab` `ab`}}" => "000ab|ab   ";
    s_counts_characters: "{{printf `%4s|%.1s` `é` `éa`}}" => "   é|é";
    q: r#"{{printf "%q %q %q" "a\"b" "é\n\x00\u2028" `\`}}"# => r#""a\"b" "é\n\x00\u2028" "\\""#;
    q_plus: "{{printf `%+q` `é😀`}}" => r#""\u00e9\U0001f600""#;
    q_sharp: "{{printf `%#q %#q` `a\"b` (print `a` \"`\")}}" => "`a\"b` \"a`\"";
    q_precision: "{{printf `%.2q|%8q|%-8q|` `abc` `a` `a`}}" => "\"ab\"|     \"a\"|\"a\"     |";
    x_of_string: "{{printf `%x %X % x %#x %# x` `hi!` `hi~` `hi` `hi` `hi`}}" => "686921 68697E 68 69 0x6869 0x68 0x69";
    x_of_string_width: "{{printf `%8x|%-8x|%.1x|%4x|` `hi` `hi` `hi` ``}}" => "    6869|6869    |68|    |";
    v_sharp_string: "{{printf `%#v` `a\"b`}}" => r#""a\"b""#;

    // Whole numbers
    d: "{{printf `%d|%5d|%-5d|%05d|%+d|% d|%x` 42 42 42 42 42 42 42}}" => "42|   42|42   |00042|+42| 42|2a";
    d_negative: "{{printf `%d|%05d|%+d|% d|%x|%-5d|` -42 -42 -42 -42 -42 -42}}" => "-42|-0042|-42|-42|-2a|-42  |";
    d_precision: "{{printf `%.5d|%8.3d|%-8.3d|%08.3d|%.0d|` 42 42 42 42 0}}" => "00042|     042|042     |     042||";
    bases: "{{printf `%b %o %O %x %X` 10 10 10 255 255}}" => "1010 12 0o12 ff FF";
    bases_sharp: "{{printf `%#b %#o %#x %#X` 10 10 255 255}}" => "0b1010 012 0xff 0XFF";
    c: "{{printf `%c|%3c|%-3c|%c` 233 65 65 -1}}" => "é|  A|A  |\u{fffd}";
    q_of_int: "{{printf `%q %q %+q` 65 39 233}}" => r"'A' '\'' '\u00e9'";
    u: "{{printf `%U %#U %U %.6U` 233 233 128512 65}}" => "U+00E9 U+00E9 'é' U+1F600 U+000041";
    v_of_int: "{{printf `%v %+v %#v %5v` 7 7 7 7}}" => "7 7 7     7";
    least: "{{printf `%d %x` -9223372036854775808 -9223372036854775808}}"
        => "-9223372036854775808 -8000000000000000";

    // Fractions
    f: "{{printf `%f|%.2f|%8.3f|%-8.1f|%08.2f|%+.1f|% .1f|%.0f` 3.14159 3.14159 3.14159 3.14159 3.14159 3.1 3.1 2.5}}"
        => "3.141590|3.14|   3.142|3.1     |00003.14|+3.1| 3.1|2";
    f_negative: "{{printf `%08.2f|%8.2f|%+f` -3.14159 -3.14159 -1.0}}" => "-0003.14|   -3.14|-1.000000";
    f_large: "{{printf `%f %F %.1f` 1e20 1e6 1e15}}" => "100000000000000000000.000000 1000000.000000 1000000000000000.0";
    f_rounds: "{{printf `%.2f %.2f %.1f %.0f` 0.125 0.375 0.25 0.5}}" => "0.12 0.38 0.2 0";
    e: "{{printf `%e %E %.2e %.0e` 123456.789 123456.789 0.000123 5.0}}" => "1.234568e+05 1.234568E+05 1.23e-04 5e+00";
    e_large: "{{printf `%e %e` 1e100 1e-100}}" => "1.000000e+100 1.000000e-100";
    g: "{{printf `%g %g %g %G` 100000.0 1000000.0 1e-5 1e-10}}" => "100000 1e+06 1e-05 1E-10";
    g_precision: "{{printf `%.3g %.3g %.10g %.1g %.0g %.3g` 1234.5678 0.00012345 1234.5678 0.05 7.6 100.0}}"
        => "1.23e+03 0.000123 1234.5678 0.05 8 100";
    g_sharp: "{{printf `%#g %#.3g %#v` 1.0 1.0 1.0}}" => "1.00000 1.00 1";
    v_of_float: "{{printf `%v %6v|%-6v|%06v %+v` 1.5 1.5 1.5 1.5 1.5}}" => "1.5    1.5|1.5   |0001.5 1.5";
    b_of_float: "{{printf `%b %b` 1.0 0.5}}" => "4503599627370496p-52 4503599627370496p-53";
    x_of_float: "{{printf `%x %X %.3x %x` 1.0 10.5 3.14159 0.0}}" => "0x1p+00 0X1.5P+03 0x1.922p+01 0x0p+00";
    zero: "{{printf `%v %f %e %g` 0.0 0.0 0.0 0.0}}" => "0 0.000000 0.000000e+00 0";

    // Other values
    t: "{{printf `%t %v %5t|%-6t|` true false true true}}" => "true false  true|true  |";
    nil: "{{printf `%v %s %d %5v|` nil nil nil nil}}" => "<nil> %!s(<nil>) %!d(<nil>) <nil>|";
    types: "{{printf `%T %T %T %T %T %T %T` 1 1.5 `a` true nil .list .map}}"
        => "int float64 string bool <nil> []interface {} map[string]interface {}";
    lists: "{{printf `%v %d %s %q` .list .list .names .names}}" => "[3 4 5] [3 4 5] [a b] [\"a\" \"b\"]";
    lists_padded: "{{printf `%3d|%-3s|` .list .names}}" => "[  3   4   5]|[a   b  ]|";
    list_sharp: "{{printf `%#v` .mixed}}"
        => r#"[]interface {}{1, "two", interface {}(nil), true, 2.5, []interface {}{1}, map[string]interface {}{"k":"v", "n":"w"}}"#;
    map_sharp: "{{printf `%#v %#v` .map .e}}"
        => r#"map[string]interface {}{"one":1, "three":3, "two":2} map[string]interface {}{}"#;
    list_of_nil: "{{printf `%s %d` (list nil) (list nil)}}" => "[<nil>] [<nil>]";

    // Formats that do not fit
    wrong_verbs: "{{printf `%d %s %t %f %z` `a` 1 2 3 4}}" => "%!d(string=a) %!s(int=1) %!t(int=2) %!f(int=3) %!z(int=4)";
    wrong_verbs_of_float: "{{printf `%d %s %c` .n .n 1.5}}" => "%!d(float64=3) %!s(float64=3) %!c(float64=1.5)";
    wrong_verbs_of_lists: "{{printf `%d %s` .names .list}}"
        => "[%!d(string=a) %!d(string=b)] [%!s(int=3) %!s(int=4) %!s(int=5)]";
    wrong_verbs_of_maps: "{{printf `%d` (dict `a` `b`)}}" => "map[%!d(string=a):%!d(string=b)]";
    wrong_verb_of_bool: "{{printf `%d %s` true false}}" => "%!d(bool=true) %!s(bool=false)";
    missing: "{{printf `%d %s` 1}}" => "1 %!s(MISSING)";
    extra: "{{printf `%d` 1 2 `a` nil}}" => "1%!(EXTRA int=2, string=a, <nil>)";
    extra_without_verbs: "{{printf `a` 1}}" => "a%!(EXTRA int=1)";
    no_verb: "{{printf `a%`}} {{printf `%5`}} {{printf `% `}}" => "a%!(NOVERB) %!(NOVERB) %!(NOVERB)";
    percent: "{{printf `100%% %5%`}}" => "100% %";
    unicode_verb: "{{printf `%é` 1}}" => "%!é(int=1)";
    indexes: "{{printf `%[2]d %[1]d %d` 1 2}}" => "2 1 2";
    index_again: "{{printf `%[1]v %[1]q` `a`}}" => "a \"a\"";
    bad_indexes: "{{printf `%[3]d %[x]d %[]d %[-1]d` 1 2}}" => "%!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX)";
    index_unclosed: "{{printf `%[1d` 1}}" => "%!d(BADINDEX)";
    stars: "{{printf `%*d|%-*d|%.*f|%*.*f` 5 42 5 42 2 3.14159 8 1 3.14159}}" => "   42|42   |3.14|     3.1";
    negative_star: "{{printf `%*d|` -5 42}}" => "42   |";
    bad_stars: "{{printf `%*d %.*d` `a` 1 `b` 2}}" => "%!(BADWIDTH)1 %!(BADPREC)2";
    stars_with_indexes: "{{printf `%[2]*[1]d` 12 5}}" => "   12";
    too_wide: "{{printf `%100000001d` 1}}" => "%!(NOVERB)%!(EXTRA int=1)";
}
