# Starts a server that does not outlive us. The shell becomes the server (exec), so its process id is the server's.
# A helper, detached so that the server has no child it does not know, reads our end of a pipe: a line means that the
# server has ended in order; the end of the file means that we are gone, however we died.
# Arguments: signal for that case, a directory to remove then (or ''), and the server's command line.
signal=$1
remove=$2
shift 2
exec 3<&0
(
    (
        read -r _ && exit 0
        kill -s "$signal" $$
        kill -s CONT $$
        [ -n "$remove" ] || exit 0
        tries=0
        while kill -0 $$ && [ "$tries" -lt 100 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
        rm -rf -- "$remove"
    ) <&3 >/dev/null 2>&1 &
)
exec "$@" 3<&- </dev/null
