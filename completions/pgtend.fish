# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pgtend_global_optspecs
    string join \n url= h/host= p/port= U/username= d/dbname= w/no-password W/password env-file= read-from= max-lag= target= config= r/repo= show-settings show-server format= q/quiet v/verbose ?/help V/version
end

function __fish_pgtend_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pgtend_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pgtend_using_subcommand
    set -l cmd (__fish_pgtend_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pgtend -n "__fish_pgtend_needs_command" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_needs_command" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_needs_command" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_needs_command" -s r -l repo -d 'Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l format -d 'Form of the answer: table or json (--show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_needs_command" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_needs_command" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_needs_command" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_needs_command" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_needs_command" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_needs_command" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_needs_command" -s V -l version -d 'Print version'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "backup" -d 'Back up a database: parallel, consistent, readable by stock pg_restore'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "restore" -d 'Restore a backup into a database, and compare it with the backup\'s record'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "verify-backup" -d 'Verify what is stored of a backup, down to every byte and row'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s j -l jobs -d 'Number of parallel readers (default: as many as processors, at most 4)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l compress -d 'Compression of data files: zstd[:LEVEL], gzip[:LEVEL] or none (default: zstd:2)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l chunk -d 'Size of the part of a table that is read at once (default: 64MiB)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l cluster -d 'Folder of the cluster in the repository (default: the target\'s name, or host and port)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l lock-wait -d 'Longest wait for a lock on a table' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l max-snapshot-age -d 'Give up when the snapshot gets older than this' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s n -l schema -d 'Back up only these schemas' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s N -l exclude-schema -d 'Leave these schemas out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s t -l table -d 'Back up only these tables' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s T -l exclude-table -d 'Leave these tables out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l exclude-table-data -d 'Leave the rows of these tables out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s e -l extension -d 'Back up only these extensions' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l role -d 'Role to become after the login' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s F -d 'pg_dump\'s format: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s f -l file -d 'pg_dump\'s file: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s Z -d 'pg_dump\'s compression: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s r -l repo -d 'Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l format -d 'Form of the answer: table or json (--show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l new-cluster -d 'Let this server take over a cluster\'s folder from another one'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l no-globals -d 'Leave roles and tablespaces out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l serializable-deferrable -d 'Wait for a snapshot that stands in a serial order of all transactions'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l allow-pooler -d 'Accept a pooler that may be in transaction mode: other clients may get pg_dump\'s settings'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l dry-run -d 'Show what would be read and written, and stop before the first byte'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s s -l schema-only -d 'Leave all rows out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l no-large-objects -d 'Leave large objects out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s b -l large-objects -d 'Include large objects in spite of other filters'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l no-unlogged-table-data -d 'Leave the rows of unlogged tables out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s O -l no-owner -d 'Leave owners out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s x -l no-privileges -d 'Leave rights out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -f -a "run" -d 'Back up a database (the same as `backup` alone)'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -f -a "list" -d 'List the backups of a repository'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show" -f -a "show" -d 'Show all that is known of one backup'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s j -l jobs -d 'Number of parallel readers (default: as many as processors, at most 4)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l compress -d 'Compression of data files: zstd[:LEVEL], gzip[:LEVEL] or none (default: zstd:2)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l chunk -d 'Size of the part of a table that is read at once (default: 64MiB)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l cluster -d 'Folder of the cluster in the repository (default: the target\'s name, or host and port)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l lock-wait -d 'Longest wait for a lock on a table' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l max-snapshot-age -d 'Give up when the snapshot gets older than this' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s n -l schema -d 'Back up only these schemas' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s N -l exclude-schema -d 'Leave these schemas out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s t -l table -d 'Back up only these tables' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s T -l exclude-table -d 'Leave these tables out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l exclude-table-data -d 'Leave the rows of these tables out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s e -l extension -d 'Back up only these extensions' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l role -d 'Role to become after the login' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s F -d 'pg_dump\'s format: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s f -l file -d 'pg_dump\'s file: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s Z -d 'pg_dump\'s compression: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s r -l repo -d 'Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l format -d 'Form of the answer: table or json (--show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l new-cluster -d 'Let this server take over a cluster\'s folder from another one'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l no-globals -d 'Leave roles and tablespaces out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l serializable-deferrable -d 'Wait for a snapshot that stands in a serial order of all transactions'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l allow-pooler -d 'Accept a pooler that may be in transaction mode: other clients may get pg_dump\'s settings'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l dry-run -d 'Show what would be read and written, and stop before the first byte'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s s -l schema-only -d 'Leave all rows out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l no-large-objects -d 'Leave large objects out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s b -l large-objects -d 'Include large objects in spite of other filters'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l no-unlogged-table-data -d 'Leave the rows of unlogged tables out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s O -l no-owner -d 'Leave owners out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s x -l no-privileges -d 'Leave rights out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s r -l repo -d 'Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l format -d 'Form of the answer: table or json (--show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s r -l repo -d 'Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l format -d 'Form of the answer: table or json (--show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l into -d 'Database to restore into' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s t -l table -d 'Restore only this table, view or sequence (name or schema.name; repeatable), with its indexes, constraints, rights and so on' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s n -l schema -d 'Restore only what is in this schema (repeatable)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l as -d 'Restore the one table under another name, beside the one that is there' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l at -d 'With latest: take the newest backup that is not younger than this (2026-11-20T09:00:00Z)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s j -l jobs -d 'Number of parallel sessions (default: as many as processors, at most 4)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l role -d 'Role to become after the login' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l confirm -d 'Name of the database that may be replaced, as if it were typed' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s r -l repo -d 'Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l format -d 'Form of the answer: table or json (--show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s C -l create -d 'Create the database; it gets its name once all of it is there'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l swap -d 'Replace the database at the end of a complete restore; keep the old one under another name'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s c -l clean -d 'Drop first what the backup has too; other objects of the database stay'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l if-exists -d 'Do nothing: accepted for habit\'s sake, --clean never minds what is not there'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l overwrite-source -d 'Allow to overwrite the database that was backed up'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l globals -d 'Create roles of the backup that the server lacks, without passwords'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s O -l no-owner -d 'Leave owners out: everything belongs to the role that restores'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s x -l no-privileges -d 'Leave rights out'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l no-analyze -d 'Do not gather statistics for the planner at the end'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l dry-run -d 'Show what would be done, and do nothing'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s y -l yes -d 'Answer y to the question whether to go on'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l level -d 'How deep to look: manifest, content or restore' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l max-age -d 'Fail when a backup\'s snapshot is older than this (for one: 26h)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l since -d 'Verify every backup that is not older than this (for one: 7d)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l scratch -d 'Where to restore at level restore: local (a server of its own) or a server\'s URL' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l scratch-dir -d 'Folder for the files of a local trial (default: TMPDIR)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l scratch-user -d 'User of this machine that a local trial\'s server runs as, when root runs it (default: postgres, else nobody)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l assert -d 'File with SQL statements that must hold in the restored database (repeatable)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s j -l jobs -d 'Number of parallel threads that expand and hash (default: the processors)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s r -l repo -d 'Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l format -d 'Form of the answer: table or json (--show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l no-record -d 'Leave no record of the result in the repository'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s ? -l help -d 'Print help'
