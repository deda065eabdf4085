//! `SELECT … FROM one table … GROUP BY …` taken apart: rows that Polars reads piece by piece, groups that are made of
//! them here, and the rest of the query over the groups. What does not look like that is left as it is.

use super::groups::Fold;
use crate::lake::schema;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, ObjectName, Query, Select,
    SelectItem, SetExpr, Statement, TableFactor, visit_expressions, visit_expressions_mut,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use std::ops::ControlFlow;

/// Name of the table of groups.
pub const GROUPS: &str = "logsift_groups";

/// Functions of a row that may stand around aggregates and keys.
const SCALAR: [&str; 14] = [
    "abs",
    "ceil",
    "coalesce",
    "concat",
    "floor",
    "length",
    "lower",
    "nullif",
    "round",
    "split_part",
    "starts_with",
    "strftime",
    "substr",
    "upper",
];

/// A query in its parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Pieces {
    pub table: String,
    /// Columns that it groups by.
    pub keys: Vec<String>,
    /// What it makes of which column; no column where rows are counted.
    pub aggregates: Vec<(Fold, Option<String>)>,
    /// The rows: keys, then the columns of the aggregates, each once.
    pub rows: String,
    /// Columns of `rows` behind the keys.
    pub columns: Vec<String>,
    /// The rest, over [`GROUPS`], in which aggregates are columns named by [`number`].
    pub rest: String,
}

/// Column of the aggregate's number.
pub fn number(at: usize) -> String {
    format!("logsift_number_{at}")
}

/// What the query does other than ask, in a word: `DROP`, `CREATE`.
pub fn is_no_question(text: &str) -> Option<String> {
    let statements = Parser::parse_sql(&GenericDialect {}, text).ok()?;
    let other = statements.iter().find(|statement| !matches!(statement, Statement::Query(_)))?;
    other.to_string().split_whitespace().next().map(str::to_uppercase)
}

/// Takes a query apart; `None` where it is not of that form.
pub fn pieces(text: &str) -> Option<Pieces> {
    let mut statements = Parser::parse_sql(&GenericDialect {}, text).ok()?;
    let (Some(Statement::Query(mut query)), true) = (statements.pop(), statements.is_empty()) else {
        return None;
    };
    // A query inside, a window or a common table would want more than one pass.
    let words = text.to_ascii_lowercase();
    let plain = query.with.is_none() && query.pipe_operators.is_empty() && words.matches("select").count() == 1;
    let SetExpr::Select(select) = query.body.as_mut() else {
        return None;
    };
    let table = plain.then(|| table_of(select)).flatten()?;
    let keys = keys_of(select)?;
    let selection = select.selection.take();
    let mut aggregates = Vec::new();
    if !names_are_plain(&select.projection, &keys) {
        return None;
    }
    let having = select.having.take();
    if having.as_ref().is_some_and(|having| names_others(having, &keys)) {
        return None;
    }
    select.selection = having;
    select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    let rest = query_of(&mut query, &mut aggregates)?;
    let mut columns: Vec<Ident> = Vec::new();
    for (_, column) in &aggregates {
        if let Some(column) = column
            && !columns.iter().chain(&keys).any(|known| known.value == column.value)
        {
            columns.push(column.clone());
        }
    }
    let listed = keys.iter().chain(&columns).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let condition = selection.map(|selection| format!(" WHERE {selection}")).unwrap_or_default();
    Some(Pieces {
        rows: format!("SELECT {listed} FROM {table}{condition}"),
        rest,
        table: table.value,
        keys: keys.into_iter().map(|key| key.value).collect(),
        aggregates: aggregates.into_iter().map(|(fold, column)| (fold, column.map(|c| c.value))).collect(),
        columns: columns.into_iter().map(|column| column.value).collect(),
    })
}

/// The one table that is read, without an alias; the table of groups is put in its place.
fn table_of(select: &mut Select) -> Option<Ident> {
    let odd = select.distinct.is_some()
        || select.top.is_some()
        || select.into.is_some()
        || select.qualify.is_some()
        || select.prewhere.is_some()
        || select.exclude.is_some()
        || !select.lateral_views.is_empty()
        || !select.named_window.is_empty()
        || !select.sort_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty();
    let [from] = select.from.as_mut_slice() else {
        return None;
    };
    let TableFactor::Table { name, alias: None, args: None, sample: None, .. } = &mut from.relation else {
        return None;
    };
    let [part] = name.0.as_slice() else {
        return None;
    };
    let table = part.as_ident()?.clone();
    if odd || !from.joins.is_empty() {
        return None;
    }
    *name = ObjectName::from(vec![Ident::new(GROUPS)]);
    Some(table)
}

/// Columns that are grouped by, all of them by name.
fn keys_of(select: &Select) -> Option<Vec<Ident>> {
    let GroupByExpr::Expressions(expressions, modifiers) = &select.group_by else {
        return None;
    };
    let keys = expressions.iter().map(|key| if let Expr::Identifier(name) = key { Some(name.clone()) } else { None });
    keys.collect::<Option<Vec<Ident>>>().filter(|keys| !keys.is_empty() && modifiers.is_empty())
}

/// Whether each column of the answer is a key or has a name of its own.
fn names_are_plain(projection: &[SelectItem], keys: &[Ident]) -> bool {
    projection.iter().all(|item| match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => keys.iter().any(|key| key.value == name.value),
        SelectItem::ExprWithAlias { expr, alias } => {
            !names_others(expr, keys) && !keys.iter().any(|key| key.value == alias.value)
        }
        _ => false,
    })
}

/// Whether an expression names columns other than keys, outside of its aggregates.
fn names_others(expr: &Expr, keys: &[Ident]) -> bool {
    let mut inner = Vec::new();
    let mut named = Vec::new();
    let _ = visit_expressions(expr, |expr| {
        match expr {
            Expr::Identifier(name) => named.push(name.value.clone()),
            Expr::Function(function) => inner.extend(aggregate(function).and_then(|(_, column)| column)),
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    for name in inner {
        if let Some(at) = named.iter().position(|known| *known == name.value) {
            named.remove(at);
        }
    }
    named.iter().any(|name| !keys.iter().any(|key| key.value == *name))
}

/// The query with a column in place of each aggregate; `None` where a function is neither one of ours nor of a row.
fn query_of(query: &mut Query, aggregates: &mut Vec<(Fold, Option<Ident>)>) -> Option<String> {
    let flow = visit_expressions_mut(query, |expr| {
        let Expr::Function(function) = expr else {
            return ControlFlow::Continue(());
        };
        if let Some((fold, column)) = aggregate(function) {
            // Every event has an id: reading them all would tell nothing.
            let is_id = |column: &Ident| fold == Fold::Count && column.value == schema::EVENT_ID;
            let one = (fold, column.filter(|column| !is_id(column)));
            let at = aggregates.iter().position(|known| *known == one).unwrap_or(aggregates.len());
            if at == aggregates.len() {
                aggregates.push(one);
            }
            *expr = Expr::Identifier(Ident::new(number(at)));
            return ControlFlow::Continue(());
        }
        let name = function.name.to_string().to_ascii_lowercase();
        let of_a_row = SCALAR.contains(&name.as_str()) && function.over.is_none() && function.filter.is_none();
        if of_a_row { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    (flow.is_continue() && !aggregates.is_empty()).then(|| query.to_string())
}

/// `COUNT(*)` or `COUNT(1)`, and `COUNT`, `SUM`, `MIN`, `MAX` of a column.
fn aggregate(function: &Function) -> Option<(Fold, Option<Ident>)> {
    let fold = match function.name.to_string().to_ascii_lowercase().as_str() {
        "count" => Fold::Count,
        "sum" => Fold::Sum,
        "min" => Fold::Min,
        "max" => Fold::Max,
        _ => return None,
    };
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let odd = function.over.is_some()
        || function.filter.is_some()
        || !function.within_group.is_empty()
        || list.duplicate_treatment.is_some()
        || !list.clauses.is_empty();
    match list.args.as_slice() {
        _ if odd => None,
        [FunctionArg::Unnamed(FunctionArgExpr::Wildcard | FunctionArgExpr::Expr(Expr::Value(_)))] => {
            (fold == Fold::Count).then_some((fold, None))
        }
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(name)))] => Some((fold, Some(name.clone()))),
        _ => None,
    }
}

/// The query with a count of a column that is never null for each `COUNT(*)`; `None` where there is none. Polars counts
/// the rows of a union, which the view `events` is, and any table of parts of several versions, by way of 128-bit
/// integers, which this build leaves out.
pub fn count_rows(text: &str) -> Option<String> {
    let mut statements = Parser::parse_sql(&GenericDialect {}, text).ok()?;
    for statement in &mut statements {
        let Statement::Query(query) = statement else {
            continue;
        };
        let SetExpr::Select(select) = query.body.as_mut() else {
            continue;
        };
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr @ Expr::Function(_)) = item
                && is_count_of_rows(expr)
            {
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::new("len") };
            }
        }
    }
    let mut found = false;
    let _ = visit_expressions_mut(&mut statements, |expr| {
        if is_count_of_rows(expr)
            && let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = expr
        {
            let column = Expr::Identifier(Ident::new(schema::SOURCE_TABLE));
            list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(column))];
            found = true;
        }
        ControlFlow::<()>::Continue(())
    });
    found.then(|| statements.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn is_count_of_rows(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if aggregate(function) == Some((Fold::Count, None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_rows_are_counts_of_a_column() {
        let query = "SELECT COUNT( * ), max(a) FROM (SELECT * FROM t WHERE count (*) > 1) AS x";
        assert_eq!(
            count_rows(query).unwrap(),
            "SELECT COUNT(source_table) AS len, max(a) FROM (SELECT * FROM t WHERE count(source_table) > 1) AS x"
        );
        assert_eq!(count_rows("SELECT COUNT(1) AS n FROM t").unwrap(), "SELECT COUNT(source_table) AS n FROM t");
        assert_eq!(count_rows("SELECT COUNT(a) AS n FROM t"), None);
    }

    #[test]
    fn a_query_in_its_parts() {
        let told = pieces(
            "SELECT source_ip, COUNT(*) AS n, ROUND(SUM(bytes_out) / 1e9, 2) AS gb, MIN(event_time) AS first FROM vpcflow \
             WHERE event_action = 'ACCEPT' GROUP BY source_ip HAVING COUNT(event_id) > 3 ORDER BY n DESC, source_ip LIMIT 20",
        )
        .unwrap();
        assert_eq!((told.table.as_str(), told.keys.as_slice()), ("vpcflow", &["source_ip".to_owned()][..]));
        assert_eq!(
            told.aggregates,
            [
                (Fold::Count, None),
                (Fold::Sum, Some("bytes_out".to_owned())),
                (Fold::Min, Some("event_time".to_owned()))
            ]
        );
        assert_eq!(told.rows, "SELECT source_ip, bytes_out, event_time FROM vpcflow WHERE event_action = 'ACCEPT'");
        assert_eq!(
            told.rest,
            "SELECT source_ip, logsift_number_0 AS n, ROUND(logsift_number_1 / 1e9, 2) AS gb, logsift_number_2 AS first \
             FROM logsift_groups WHERE logsift_number_0 > 3 ORDER BY n DESC, source_ip LIMIT 20"
        );
    }

    #[test]
    fn other_queries_are_left_alone() {
        for text in [
            "SELECT source_ip FROM vpcflow",
            "SELECT DISTINCT source_ip FROM vpcflow",
            "SELECT COUNT(*) AS n FROM vpcflow",
            "SELECT source_ip, COUNT(DISTINCT user_agent) AS n FROM alb GROUP BY source_ip",
            "SELECT source_ip, AVG(bytes_out) AS n FROM alb GROUP BY source_ip",
            "SELECT source_ip, COUNT(*) OVER () AS n FROM alb GROUP BY source_ip",
            "SELECT source_ip, COUNT(*) FROM alb GROUP BY source_ip",
            "SELECT source_ip, MIN(event_time) AS source_ip FROM alb GROUP BY source_ip",
            "SELECT source_ip, user_agent AS n, COUNT(*) AS m FROM alb GROUP BY source_ip",
            "SELECT a.source_ip, COUNT(*) AS n FROM alb a GROUP BY a.source_ip",
            "SELECT source_ip, COUNT(*) AS n FROM alb, vpcflow GROUP BY source_ip",
            "SELECT source_ip, COUNT(*) AS n FROM alb WHERE source_ip IN (SELECT source_ip FROM waf) GROUP BY source_ip",
            "SELECT LOWER(user_agent) AS a, COUNT(*) AS n FROM alb GROUP BY LOWER(user_agent)",
            "SELECT source_ip, COUNT(*) AS n FROM alb GROUP BY source_ip HAVING n > 3",
            "SELECT source_ip, SUM(bytes_out + 1) AS n FROM alb GROUP BY source_ip",
        ] {
            assert_eq!(pieces(text), None, "{text}");
        }
    }
}
