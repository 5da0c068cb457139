//! Functions that a statement calls: what they do is not in its text.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::Reader;

/// Functions of `pg_catalog` that compute from what they are given, read the catalog, or change
/// nothing but a sequence, a setting or what listeners hear: no other table is locked for them
/// than those that the statement names. Left out are those that run SQL (`query_to_xml`), wait
/// (`pg_sleep`, `pg_advisory_lock`) or act on the server. Source: `pg_proc`, and PostgreSQL 18
/// manual, chapter 9.
const HARMLESS: &str = "
    abbrev abs acldefault aclexplode acos acosd acosh age any_value area array_agg array_append
    array_cat array_dims array_fill array_length array_lower array_ndims array_position
    array_positions array_prepend array_remove array_replace array_reverse array_sample
    array_shuffle array_sort array_to_json array_to_string array_to_tsvector array_upper ascii asin
    asind asinh atan atan2 atan2d atand atanh avg bit_and bit_count bit_length bit_or bit_xor
    bool_and bool_or box bpchar broadcast btrim cardinality casefold cbrt ceil ceiling center
    char_length character_length chr circle clock_timestamp coalesce col_description concat
    concat_ws convert convert_from convert_to corr cos cosd cosh cot cotd count covar_pop covar_samp
    crc32 crc32c cume_dist current_catalog current_database current_query current_role
    current_schema current_schemas current_setting current_user currval date date_add date_bin
    date_part date_subtract date_trunc datemultirange daterange decode degrees dense_rank diagonal
    diameter div encode enum_first enum_last enum_range erf erfc every exp extract factorial family
    first_value float4 float8 floor format format_type gamma gcd gen_random_uuid generate_series
    generate_subscripts get_bit get_byte get_current_ts_config getdatabaseencoding greatest grouping
    has_any_column_privilege has_column_privilege has_database_privilege
    has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege
    has_parameter_privilege has_schema_privilege has_sequence_privilege has_server_privilege
    has_table_privilege has_tablespace_privilege has_type_privilege hashtext height host hostmask
    inet_client_addr inet_client_port inet_merge inet_same_family inet_server_addr inet_server_port
    initcap int2 int4 int4multirange int4range int8 int8multirange int8range is_normalized isclosed
    isempty isfinite isopen json_agg json_array_elements json_array_elements_text json_array_length
    json_build_array json_build_object json_each json_each_text json_extract_path
    json_extract_path_text json_object json_object_agg json_object_keys json_populate_record
    json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_to_tsvector
    json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length
    jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path
    jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys
    jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query
    jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first
    jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record jsonb_populate_recordset
    jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset
    jsonb_to_tsvector jsonb_typeof justify_days justify_hours justify_interval lag last_value lastval
    lcm lead least left length lgamma line ln localtime localtimestamp log log10 lower lower_inc
    lower_inf lpad lseg ltrim macaddr8_set7bit make_date make_interval make_time make_timestamp
    make_timestamptz makeaclitem masklen max md5 min min_scale mod mode multirange mxid_age netmask
    network nextval normalize now npoints nth_value ntile nullif num_nonnulls num_nulls numeric
    nummultirange numnode numrange obj_description octet_length overlay parse_ident path pclose
    percent_rank percentile_cont percentile_disc pg_backend_pid pg_client_encoding
    pg_collation_is_visible pg_column_compression pg_column_size pg_conf_load_time
    pg_current_wal_lsn pg_database_size pg_encoding_to_char pg_function_is_visible pg_get_constraintdef
    pg_get_expr pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_serial_sequence
    pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_has_role pg_index_column_has_property
    pg_indexes_size pg_is_in_recovery pg_is_other_temp_schema pg_my_temp_schema pg_notify
    pg_postmaster_start_time pg_relation_filenode pg_relation_filepath pg_relation_size
    pg_size_bytes pg_size_pretty pg_table_is_visible pg_table_size pg_tablespace_size
    pg_total_relation_size pg_type_is_visible pg_typeof pg_wal_lsn_diff phraseto_tsquery pi
    plainto_tsquery point polygon popen position pow power querytree quote_ident quote_literal
    quote_nullable radians radius random random_normal range_agg range_intersect_agg range_merge
    rank regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
    regexp_split_to_array regexp_split_to_table regexp_substr regr_avgx regr_avgy regr_count
    regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace reverse right round
    row row_number row_security_active row_to_json rpad rtrim scale session_user set_bit set_byte
    set_config set_masklen setseed setval setweight sha224 sha256 sha384 sha512 shobj_description
    sign sin sind sinh slope split_part sqrt starts_with statement_timestamp stddev stddev_pop
    stddev_samp string_agg string_to_array string_to_table strip strpos substr substring sum tan
    tand tanh text timeofday timestamp timestamptz timezone to_ascii to_bin to_char to_date to_hex
    to_json to_jsonb to_number to_oct to_regclass to_regcollation to_regnamespace to_regoper
    to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_timestamp to_tsquery
    to_tsvector transaction_timestamp translate trim trim_array trim_scale trunc ts_delete ts_filter
    ts_headline ts_rank ts_rank_cd tsmultirange tsquery_phrase tsrange tstzmultirange tstzrange
    tsvector_to_array txid_current txid_current_if_assigned unicode_assigned unicode_version unistr
    unnest upper upper_inc upper_inf user uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7
    var_pop var_samp varchar variance version websearch_to_tsquery width width_bucket
    xml_is_well_formed xmlagg xmlcomment xpath xpath_exists";

/// The same of `pgcrypto`, `pg_trgm`, `unaccent` and `uuid-ossp`, which lie in any schema.
const OF_EXTENSIONS: &str = "
    armor crypt digest encrypt gen_random_bytes gen_random_uuid gen_salt hmac similarity unaccent
    uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuid_nil
    word_similarity";

impl Reader<'_> {
    /// What is called below a node has to be known to be harmless.
    pub(super) fn calls(&mut self, node: &SyntaxNode) {
        if node.descendants().any(|inner| ast::Execute::can_cast(inner.kind())) {
            self.opaque("what a prepared statement does is not seen here");
        }
        let unknown =
            node.descendants().filter_map(ast::CallExpr::cast).find_map(|call| unknown(&call));
        if let Some(name) = unknown {
            self.opaque(&format!("what {name}() does is not in the text"));
        }
    }
}

/// The name of what is called, where it is not known what that does.
fn unknown(call: &ast::CallExpr) -> Option<String> {
    let (schema, name) = match call.expr()? {
        ast::Expr::NameRef(name) => (None, name.text()),
        ast::Expr::FieldExpr(field) => {
            let schema = field.base().map(|base| base.syntax().text().to_string());
            (schema, field.field()?.text())
        }
        other => return Some(other.syntax().text().to_string()),
    };
    let is_in = |list: &str| list.split_ascii_whitespace().any(|known| known == name);
    let is_systems = schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
    let is_known = is_in(OF_EXTENSIONS) || (is_systems && is_in(HARMLESS));
    (!is_known).then(|| schema.map_or_else(|| name.clone(), |schema| format!("{schema}.{name}")))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::check::dep::statement::Unread;

    fn unread(sql: &str) -> Option<Unread> {
        let (statements, _) = read("m.sql", sql, 150_000);
        assert_eq!(statements.len(), 1, "{statements:?}");
        statements.into_iter().next().unwrap().unread
    }

    #[test]
    fn what_a_function_does_is_not_in_its_call() {
        for (sql, name) in [
            ("SELECT create_hypertable('t', 'at')", "create_hypertable"),
            ("SELECT lower(name), app.lower(name) FROM t", "app.lower"),
            ("SELECT * FROM migrate_all()", "migrate_all"),
            ("SELECT (SELECT pg_sleep(9))", "pg_sleep"),
            ("INSERT INTO t SELECT f(id) FROM u", "f"),
            ("WITH a AS (SELECT f()) SELECT 1 FROM a", "f"),
            ("CREATE TABLE u AS SELECT f(id) FROM t", "f"),
            ("CREATE MATERIALIZED VIEW v AS SELECT f(id) FROM t", "f"),
            ("SELECT f(id) INTO u FROM t", "f"),
            ("UPDATE t SET a = f(a) WHERE id = 1", "f"),
            ("DELETE FROM t WHERE f(id)", "f"),
            ("COPY (SELECT f()) TO STDOUT", "f"),
            ("SELECT query_to_xml('DROP TABLE t', true, true, '')", "query_to_xml"),
        ] {
            let why = format!("what {name}() does is not in the text");
            assert_eq!(unread(sql), Some(Unread::Opaque(why)), "{sql}");
        }
        let prepared = unread("CREATE TABLE u AS EXECUTE p");
        assert!(matches!(prepared, Some(Unread::Opaque(_))), "{prepared:?}");
    }

    #[test]
    fn what_only_reads_or_counts_is_harmless() {
        for sql in [
            "SELECT setval('t_id_seq', (SELECT max(id) FROM t)), nextval('s'), NOW()",
            "SELECT pg_catalog.setval('t_id_seq', 9, true)",
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "SELECT count(*), sum(a) FILTER (WHERE a > 0), row_number() OVER () FROM t",
            "INSERT INTO t SELECT g, coalesce(lower(n), md5(g::text)) FROM generate_series(1, 9) g",
            "INSERT INTO t VALUES (uuid_generate_v4(), extensions.gen_random_bytes(8))",
            "SELECT extract(year FROM now()), trim(both ' ' FROM a), substring(a FROM 1), \
             position('a' IN b), greatest(a, b), nullif(a, b), cast(a AS int) FROM t",
            "UPDATE t SET a = jsonb_set(a, '{b}', to_jsonb(b)) WHERE id = 1",
            "CREATE VIEW v AS SELECT f(id) FROM t",
            "CREATE TABLE u (id int DEFAULT f())",
        ] {
            assert_eq!(unread(sql), None, "{sql}");
        }
    }
}
