# Keeps a throw-away server: it runs as long as the pipe on standard input is open, which only
# pgtend holds. When pgtend is gone, in whatever way, the server and its folders go too.
#
# Arguments: user and group (numbers; empty: as ourselves), folder of the programs, folder of the
# server, folder of its socket; then the server's settings.
user=$1 group=$2 programs=$3 folder=$4 socket=$5
shift 5
ulimit -c 0

run() {
    if [ -n "$user" ]; then
        exec setpriv "--reuid=$user" "--regid=$group" --clear-groups --no-new-privs -- "$@"
    fi
    exec "$@"
}

stop() {
    trap '' TERM
    server=$1
    # Before its handler is set a program may miss the signal: so more than once.
    [ -z "$server" ] || (
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            kill -QUIT "$server" 2>/dev/null || exit
            sleep 1
        done
        kill -KILL "$server"
    ) >/dev/null 2>&1 &
    killer=$!
    [ -z "$server" ] || wait "$server"
    kill -KILL "$killer" 2>/dev/null
    # What is still ending may still write.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        rm -rf -- "$folder" "$socket" && break
        sleep 0.2
    done
    exit
}

# With every command below `$!` is what runs now.
trap 'stop "$!"' TERM
exec 3<&0 </dev/null 2>&1
(
    read -r _ <&3
    kill -TERM $$
) &
watcher=$!

run "$programs/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 --locale=C \
    --no-sync 3<&- &
if wait "$!"; then
    run "$programs/postgres" -D "$folder/data" "$@" 3<&- &
    wait "$!"
fi
# It ended by itself: its number may soon be another program's.
trap 'stop ""' TERM
echo "pgtend: the server has ended"
wait "$watcher"
stop ""
