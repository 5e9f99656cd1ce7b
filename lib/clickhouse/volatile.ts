/** Functions whose value belongs to the moment or the place of the insert and not to the row. */
const FUNCTIONS = [
  String.raw`now|now64|nowInBlock\w*|today|yesterday|UTC_?Timestamp|curdate|localtime|localtimestamp|uptime|dateTimeToUUIDv7`,
  String.raw`current_?\w+|session_?user|user|auth\w*User|(?:default|enabled)(?:Roles|Profiles?)|database|schema`,
  String.raw`rand\w*|canonicalRand|random\w+|fuzz\w+|generate\w+|array(?:Partial)?Shuffle|arrayRandomSample|arrayPartial(?:Reverse)?Sort`,
  String.raw`rowNumberIn\w+|block(?:Number|Size|SerializedSize)|neighbor|running\w+`,
  String.raw`(?:full)?hostName|FQDN|serverUUID|displayName|tcpPort|server_?timezone|timezone|version|revision|buildId|shard(?:Num|Count)|filesystem\w+|zookeeper\w+`,
  String.raw`(?:initial_?)?query_?(?:ID|start_?time)|connection_?id|transaction\w+|get(?:Setting|Server|Macro|MergeTree|OS|Client)\w*|hasColumnInTable`,
  String.raw`dict(?:Get|Has|IsIn)\w*|joinGet\w*|region\w+|file|catboostEvaluate|ai[A-Z]\w+`,
].join('|');

const CALL = new RegExp(String.raw`\b(?:${FUNCTIONS})\s*\(`, 'i');

/** Those that ClickHouse also takes without parentheses, where no column has the name. */
const WITHOUT_PARENTHESES =
  /(?<![\w.])(now|today|curdate|current_date|current_timestamp|localtime|localtimestamp|current_user|session_user|user|current_database)\b(?!\s*[(.])/gi;

/** @param names what a plain word may stand for instead: columns, or source fields */
export function isVolatile(expression: string, names: readonly string[]): boolean {
  const code = expression.replaceAll(/'(?:[^'\\]|\\.|'')*'/g, "''");
  if (CALL.test(code)) return true;
  return [...code.matchAll(WITHOUT_PARENTHESES)].some(([word]) => !names.includes(word));
}
