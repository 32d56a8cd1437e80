# Sums a CPU profile of the server by what the time is for. events is how many events the profile is about:
# profile_events of labhook bench --profile FILE --json.
#
#   go tool pprof -unit=us -traces FILE | awk -v events=N -f web/cli/bench/profile.awk
#
# A stack counts for the first of its functions, from the innermost on, that belongs to a part.

function part(name) {
	if (name ~ /^runtime\.(gc|bgsweep|bgscavenge|markroot|scanobject|scanObject|greyobject|sweepone|wbBuf|\(\*gc|\(\*sweep|\(\*mspan\)\.sweep)/) return "GC"
	if (name ~ /^(modernc\.org|database\/sql|labhook\/db)/) return "SQLite"
	if (name ~ /^encoding\/json/) return "JSON"
	if (name ~ /^log\/slog/) return "log"
	if (name ~ /^(net\/http\.\(\*(Transport|persistConn|wantConn|transportRequest|bodyEOFSignal)|net\/http\.\(\*Request\)\.write|labhook\/engine\/egress)/) return "HTTP out"
	if (name ~ /^(net\/http|labhook\/web\/api|labhook\/web\.)/) return "HTTP in"
	if (name ~ /^labhook\/engine/) return "engine"
	return ""
}

function count() {
	if (value > 0) sum[found == "" ? "other" : found] += value
	total += value
	value = 0; found = ""
}

/^-+\+-+$/ { count(); started = 1; next }
started {
	name = $1
	if ($1 ~ /^[0-9.]+us$/) { value = $1 + 0; name = $2 }
	if (found == "") found = part(name)
}
END {
	count()
	n = split("HTTP in,HTTP out,SQLite,JSON,engine,log,GC,other", parts, ",")
	for (i = 1; i <= n; i++) printf "%-9s %5.1f %% %7.1f us an event\n", parts[i], 100 * sum[parts[i]] / total, sum[parts[i]] / events
	printf "%-9s %5.1f %% %7.1f us an event\n", "all", 100, total / events
}
