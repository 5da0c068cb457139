# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pgtend_global_optspecs
    string join \n url= h/host= p/port= U/username= d/dbname= w/no-password W/password env-file= read-from= max-lag= iam secret= target= config= r/repo= identity= endpoint-url= s3-region= s3-profile= s3-path-style= s3-checksum= s3-sse= s3-kms-key= s3-storage-class= s3-object-lock= s3-expected-owner= s3-uploads= show-settings show-server format= log-format= q/quiet v/verbose ?/help V/version
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
complete -c pgtend -n "__fish_pgtend_needs_command" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_needs_command" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_needs_command" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_needs_command" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_needs_command" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_needs_command" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_needs_command" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_needs_command" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_needs_command" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_needs_command" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_needs_command" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_needs_command" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_needs_command" -s V -l version -d 'Print version'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "backup" -d 'Back up a database: parallel, consistent, readable by stock pg_restore'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "restore" -d 'Restore a backup into a database, and compare it with the backup\'s record'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "verify-backup" -d 'Verify what is stored of a backup, down to every byte and row'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "check" -d 'Check servers: whether all is well, and whether a deployment can begin'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "connections" -d 'Show who is connected, what they hold, and who blocks whom'
complete -c pgtend -n "__fish_pgtend_needs_command" -f -a "slow-queries" -d 'Show which statements take the server\'s time'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s j -l jobs -d 'Number of parallel readers (default: as many as processors, at most 4)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l compress -d 'Compression of data files: zstd[:LEVEL], gzip[:LEVEL] or none (default: zstd:2)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l chunk -d 'Size of the part of a table that is read at once (default: 64MiB)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l cluster -d 'Folder of the cluster in the repository (default: the target\'s name, or host and port)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l lock-wait -d 'Longest wait for a lock on a table' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l max-snapshot-age -d 'Give up when the snapshot gets older than this' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l label -d 'Label to keep with the backup, beside those of [backup] labels (repeatable)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l rate-limit -d 'Most bytes of rows and large objects that all readers of a run together take from the server in a second, before compression (default: no limit)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l retry-lock -d 'Longest wait for another backup of the same database to end (default: do not wait, exit 75)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l exclude-database -d 'Leave these databases out (repeatable; pg_dumpall\'s patterns)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l recipient -d 'Seal the backup to this public key of age: age1.. (repeatable; or recipients in [backup])' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l recipients-file -d 'File with such keys, one a line (repeatable)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l copy-to -d 'Copy the backup into this repository too, once it is complete (repeatable)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l ping -d 'Ping this URL (or PGTEND_PING): URL/start at the start, URL at success, URL/fail at failure' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l metrics-file -d 'Write the outcome into this file, for the textfile collector of Prometheus' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l before -d 'Run this command before anything else; without its success there is no backup' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l after -d 'Run this command when the backup is published' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l on-failure -d 'Run this command when there is no backup' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l hook-timeout -d 'Longest time for such a command (default: 10m)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s n -l schema -d 'Back up only these schemas' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s N -l exclude-schema -d 'Leave these schemas out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s t -l table -d 'Back up only these tables' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s T -l exclude-table -d 'Leave these tables out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l exclude-table-data -d 'Leave the rows of these tables out' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s e -l extension -d 'Back up only these extensions' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l role -d 'Role to become after the login' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s F -d 'pg_dump\'s format: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s f -l file -d 'pg_dump\'s file: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s Z -d 'pg_dump\'s compression: refused, with what pgtend does instead' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l keep-last -d 'Keep the newest N backups of the database' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l keep-hourly -d 'Keep the newest of each of the last N hours that have one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l keep-daily -d 'Keep the newest of each of the last N days' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l keep-weekly -d 'Keep the newest of each of the last N weeks (Monday to Sunday)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l keep-monthly -d 'Keep the newest of each of the last N months' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l keep-yearly -d 'Keep the newest of each of the last N years' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l keep-within -d 'Keep all that are at most this much older than the newest (30d)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l keep-proven -d 'Keep the newest N verified backups, whatever the rules say (default: 1)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l min-keep -d 'Keep the newest N complete backups, whatever the rules say (default: 3)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l new-cluster -d 'Let this server take over a cluster\'s folder from another one'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l no-globals -d 'Leave roles and tablespaces out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l serializable-deferrable -d 'Wait for a snapshot that stands in a serial order of all transactions'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l allow-pooler -d 'Accept a pooler that may be in transaction mode: other clients may get pg_dump\'s settings'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l dry-run -d 'Show what would be read and written, and stop before the first byte'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l all-databases -d 'Back up every database of the server, each as a backup of its own; -d is where the list is read (default: postgres)'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s s -l schema-only -d 'Leave all rows out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l no-large-objects -d 'Leave large objects out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s b -l large-objects -d 'Include large objects in spite of other filters'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l no-unlogged-table-data -d 'Leave the rows of unlogged tables out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s O -l no-owner -d 'Leave owners out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s x -l no-privileges -d 'Leave rights out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -f -a "run" -d 'Back up a database (the same as `backup` alone)'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -f -a "list" -d 'List the backups of a repository'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -f -a "show" -d 'Show all that is known of one backup'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -f -a "copy" -d 'Copy a backup into another repository'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -f -a "export" -d 'Write a backup as one file in pg_dump\'s custom format'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and not __fish_seen_subcommand_from run list show copy export prune" -f -a "prune" -d 'Remove backups that no rule keeps, and what broken-off runs left'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s j -l jobs -d 'Number of parallel readers (default: as many as processors, at most 4)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l compress -d 'Compression of data files: zstd[:LEVEL], gzip[:LEVEL] or none (default: zstd:2)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l chunk -d 'Size of the part of a table that is read at once (default: 64MiB)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l cluster -d 'Folder of the cluster in the repository (default: the target\'s name, or host and port)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l lock-wait -d 'Longest wait for a lock on a table' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l max-snapshot-age -d 'Give up when the snapshot gets older than this' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l label -d 'Label to keep with the backup, beside those of [backup] labels (repeatable)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l rate-limit -d 'Most bytes of rows and large objects that all readers of a run together take from the server in a second, before compression (default: no limit)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l retry-lock -d 'Longest wait for another backup of the same database to end (default: do not wait, exit 75)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l exclude-database -d 'Leave these databases out (repeatable; pg_dumpall\'s patterns)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l recipient -d 'Seal the backup to this public key of age: age1.. (repeatable; or recipients in [backup])' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l recipients-file -d 'File with such keys, one a line (repeatable)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l copy-to -d 'Copy the backup into this repository too, once it is complete (repeatable)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l ping -d 'Ping this URL (or PGTEND_PING): URL/start at the start, URL at success, URL/fail at failure' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l metrics-file -d 'Write the outcome into this file, for the textfile collector of Prometheus' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l before -d 'Run this command before anything else; without its success there is no backup' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l after -d 'Run this command when the backup is published' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l on-failure -d 'Run this command when there is no backup' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l hook-timeout -d 'Longest time for such a command (default: 10m)' -r
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
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l keep-last -d 'Keep the newest N backups of the database' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l keep-hourly -d 'Keep the newest of each of the last N hours that have one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l keep-daily -d 'Keep the newest of each of the last N days' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l keep-weekly -d 'Keep the newest of each of the last N weeks (Monday to Sunday)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l keep-monthly -d 'Keep the newest of each of the last N months' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l keep-yearly -d 'Keep the newest of each of the last N years' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l keep-within -d 'Keep all that are at most this much older than the newest (30d)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l keep-proven -d 'Keep the newest N verified backups, whatever the rules say (default: 1)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l min-keep -d 'Keep the newest N complete backups, whatever the rules say (default: 3)' -r
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
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l new-cluster -d 'Let this server take over a cluster\'s folder from another one'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l no-globals -d 'Leave roles and tablespaces out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l serializable-deferrable -d 'Wait for a snapshot that stands in a serial order of all transactions'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l allow-pooler -d 'Accept a pooler that may be in transaction mode: other clients may get pg_dump\'s settings'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l dry-run -d 'Show what would be read and written, and stop before the first byte'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l all-databases -d 'Back up every database of the server, each as a backup of its own; -d is where the list is read (default: postgres)'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s s -l schema-only -d 'Leave all rows out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l no-large-objects -d 'Leave large objects out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s b -l large-objects -d 'Include large objects in spite of other filters'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l no-unlogged-table-data -d 'Leave the rows of unlogged tables out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s O -l no-owner -d 'Leave owners out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s x -l no-privileges -d 'Leave rights out'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from run" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l label -d 'List only backups with this label, and damaged ones, whose labels are unknown (repeatable: all of them)' -r
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
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from list" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
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
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from show" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l to -d 'Repository that gets the copy' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s j -l jobs -d 'Number of objects that are copied at once (default: 4)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l new-cluster -d 'Let the backup\'s server take over a cluster\'s folder from another one'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from copy" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s o -l output -d 'File to write, or - for standard output' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l compress -d 'Compression: gzip[:LEVEL] or none; every pg_restore reads both' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l force -d 'Replace the file if it is there'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from export" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l cluster -d 'Look only at backups of this cluster' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l database -d 'Look only at backups of this database' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l sweep-older-than -d 'Remove folders without a manifest when nothing in them is younger (default: 24h)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l confirm -d 'Name that would be typed: of the database or cluster that was given, else the repository' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l keep-last -d 'Keep the newest N backups of the database' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l keep-hourly -d 'Keep the newest of each of the last N hours that have one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l keep-daily -d 'Keep the newest of each of the last N days' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l keep-weekly -d 'Keep the newest of each of the last N weeks (Monday to Sunday)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l keep-monthly -d 'Keep the newest of each of the last N months' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l keep-yearly -d 'Keep the newest of each of the last N years' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l keep-within -d 'Keep all that are at most this much older than the newest (30d)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l keep-proven -d 'Keep the newest N verified backups, whatever the rules say (default: 1)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l min-keep -d 'Keep the newest N complete backups, whatever the rules say (default: 3)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l dry-run -d 'Show what would be removed and why, and remove nothing'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s y -l yes -d 'Answer y to the question whether to go on, where no complete backup goes'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand backup; and __fish_seen_subcommand_from prune" -s ? -l help -d 'Print help'
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
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
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
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand restore" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l level -d 'How deep to look: manifest, content or restore' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l max-age -d 'Fail when a backup\'s snapshot is older than this (for one: 26h)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l tables -d 'Look at a part of the tables only: 2/7, or auto/7 for those whose proof is longest ago' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l max-proof-age -d 'Fail when the last proof of a table, in any backup of the database, is longer ago (for one: 7d)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l since -d 'Verify every backup that is not older than this (for one: 7d)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l scratch -d 'Where to restore at level restore: local (a server of its own) or a server\'s URL' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l scratch-dir -d 'Folder for the files of a local trial, or the copy of a self-test (default: TMPDIR)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l scratch-user -d 'User of this machine that a local trial\'s server runs as, when root runs it (default: postgres, else nobody)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l assert -d 'File with SQL statements that must hold in the restored database (repeatable)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s j -l jobs -d 'Number of parallel threads that expand and hash (default: the processors)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l canary-shrink -d 'Warn when a table has lost so many percent of its rows (default: 50)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l canary-still -d 'Warn when a table that used to grow stands still for so long (default: 3d)' -r
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
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l self-test -d 'Put faults into a copy of the backup, and show that each is noticed'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l no-record -d 'Leave no record of the result in the repository'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l no-canaries -d 'Do not compare with the backups before'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand verify-backup" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l tag -d 'Look at the targets that have this tag (repeatable: one of them)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l exclude-database -d 'Leave these databases out (repeatable; pg_dumpall\'s patterns)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l only -d 'Run only these: ids (idx.invalid), families (idx) or kinds (static, runtime, rate, deploy)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l skip -d 'Leave these out: ids, families or kinds' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l fail-on -d 'What makes the run fail: findings from this weight on; new ones that --baseline has not' -r -f -a "warning\t''
critical\t''
new\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l allow-unknown -d 'Checks that may be unknown without exit 3 (ids or families, repeatable)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l baseline -d 'Findings that stand in this file do not count' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l write-baseline -d 'Write the findings of this run into a file, for --baseline' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l output -d 'Write the answer in another form too (repeatable): junit=FILE, sarif=FILE, prometheus=FILE' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l time-limit -d 'Time for each server, to connect and to answer (with --watch 20s at most); what is not answered by then is unknown' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l profile -d 'Show the guides\' checklist for such an environment, and judge the application by it' -r -f -a "production\t''
staging\t''
development\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l migrations -d 'Judge the pending migrations of this folder or file (SQL) too; implies --pre-deploy' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l migration-role -d 'The role that runs the migrations, when another one checks' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l wait -d 'Look again for so long while the answer is WAIT; implies --pre-deploy' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l interval -d 'Take two samples that far apart: what is counted is judged by its rate' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l state -d 'Compare with the sample that the last run left in this file, and leave this run\'s there (not with --from)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l save -d 'Save what was seen, for --from and for others' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l from -d 'Judge what was saved; no server is asked' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l watch -d 'Look again and again: a live page with keys on a terminal (h shows them), else one report after the other (json: one per line); TIME is 2s unless given; Ctrl-C ends it with exit 0' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l all-targets -d 'Look at every target of pgtend.toml'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l all-databases -d 'Look at every database of each server, one after the other, each as a target of its own (TARGET/DATABASE); -d is where the list is read (default: postgres)'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l pre-deploy -d 'Ask too whether a deployment can begin now'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l list -d 'List the checks with their limits and needs, and stop; no server is asked'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l explain-permissions -d 'Show what each check needs to see and the statements that grant what is missing; run none'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand check" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l blocking -d 'Show who blocks whom, and the line that ends it; of one table: who holds it and who waits' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l pgbouncer -d 'Show the pools of this PgBouncer (without a URL: the one at the connection\'s host and port)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l fail-waiting -d 'Exit 2 when a client has waited longer for a server connection' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l watch -d 'Look again and again: a live page with keys on a terminal (h shows them), else one report after the other (json: one per line); TIME is 2s unless given; Ctrl-C ends it with exit 0' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l group -d 'Count sessions by this (repeatable, or a list with commas; default: state)' -r -f -a "state\t'What they do'
app\t'The application_name'
user\t'The role'
db\t'The database'
addr\t'The client\'s address'
tls\t'How the connection is encrypted'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l limit -d 'Most sessions in the list (default: 20; all with --sessions)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l interval -d 'Look each second for this long before advising (default: one look)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l state -d 'Only sessions in this state (repeatable, or a list with commas)' -r -f -a "active\t'A statement runs'
idle\t'Outside a transaction, nothing to do'
idle-in-transaction\t'In a transaction, nothing to do; aborted ones too'
aborted\t'In a transaction that failed and waits for its end'
blocked\t'Waits for a lock that others hold'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l min-duration -d 'Only sessions that have been in their present state for this long' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l of-user -d 'Only sessions of this role (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l of-db -d 'Only sessions in this database (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l of-app -d 'Only sessions with this application_name (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l of-addr -d 'Only sessions from this address, or "local" for Unix sockets (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l warn-used -d 'Exit 1 when so many of the usable connections are used, or (with a minus) so few are left' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l fail-used -d 'Exit 2 when so many of the usable connections are used, or (with a minus) so few are left' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l fail-idle-in-transaction -d 'Exit 2 when a session has been idle in a transaction for this long' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l fail-blocked -d 'Exit 2 when a session has waited for a lock for this long' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l sessions -l all -d 'List every session, idle ones too'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l advise -d 'Advise on sizes of pools, from what is seen'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -f -a "cancel" -d 'Cancel the statement that sessions run'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and not __fish_seen_subcommand_from cancel terminate" -f -a "terminate" -d 'End sessions'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l state -d 'Only sessions in this state (repeatable, or a list with commas)' -r -f -a "active\t'A statement runs'
idle\t'Outside a transaction, nothing to do'
idle-in-transaction\t'In a transaction, nothing to do; aborted ones too'
aborted\t'In a transaction that failed and waits for its end'
blocked\t'Waits for a lock that others hold'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l min-duration -d 'Only sessions that have been in their present state for this long' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l of-user -d 'Only sessions of this role (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l of-db -d 'Only sessions in this database (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l of-app -d 'Only sessions with this application_name (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l of-addr -d 'Only sessions from this address, or "local" for Unix sockets (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l dry-run -d 'Show who it would be, and do nothing'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s y -l yes -d 'Answer y to the question whether to go on'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from cancel" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l state -d 'Only sessions in this state (repeatable, or a list with commas)' -r -f -a "active\t'A statement runs'
idle\t'Outside a transaction, nothing to do'
idle-in-transaction\t'In a transaction, nothing to do; aborted ones too'
aborted\t'In a transaction that failed and waits for its end'
blocked\t'Waits for a lock that others hold'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l min-duration -d 'Only sessions that have been in their present state for this long' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l of-user -d 'Only sessions of this role (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l of-db -d 'Only sessions in this database (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l of-app -d 'Only sessions with this application_name (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l of-addr -d 'Only sessions from this address, or "local" for Unix sockets (repeatable; * stands for any characters)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l dry-run -d 'Show who it would be, and do nothing'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s y -l yes -d 'Answer y to the question whether to go on'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand connections; and __fish_seen_subcommand_from terminate" -s ? -l help -d 'Print help'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l sort -d 'What comes first (default total; with --compare what became slower)' -r -f -a "total\t''
mean\t''
calls\t''
io\t''
temp\t''
wal\t''
rows\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l min-mean -d 'Leave out statements with a smaller mean time: 100ms (the default), 2s, 0; with --compare they are not judged (default then: 1ms)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l min-calls -d 'Leave out statements with fewer calls (default: 1; with --compare 5, before and since)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l of-user -d 'Only statements of this role' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l of-db -d 'Only statements of this database (default: the one connected to)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l like -d 'Only statements whose text has this in it, in upper or lower case' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l limit -d 'Show so many' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l interval -d 'Take two samples that far apart, and show the difference' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l since -d 'Show what was counted since this saved sample' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l save -d 'Save a sample of all databases\' statements, for --since and --compare' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l compare -d 'Compare each statement\'s mean since this saved sample with its mean before' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l fail-if-slower -d 'Exit 2 when a statement became slower by more than this: 20%' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l fail-mean -d 'Exit 2 when a statement\'s mean time is longer than this: 500ms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l explain -d 'Show the generic plan of the statement with this id, else of the first one of your own role; it is not run, but planning may run functions in it with your rights: read its text' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l watch -d 'Look again and again: a live page with keys on a terminal (h shows them), else one report after the other (json: one per line); TIME is 2s unless given; Ctrl-C ends it with exit 0' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l url -d 'Connection string: postgresql://user@host:port/database, or key=value' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s h -l host -d 'Host name, address or socket folder of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s p -l port -d 'Port of the server' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s U -l username -l user -d 'Role to log in as' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s d -l dbname -d 'Database to connect to' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l env-file -d 'Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l read-from -d 'Which of the known servers to read from: primary, replica, any or backup' -r -f -a "primary\t'The server itself'
replica\t'A replica, by weight; the primary when none can be used, with a warning'
any\t'Replicas and the primary alike'
backup\t'The server of `DB_BACKUP_URL`'"
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l max-lag -d 'Longest time that a replica may be behind to be read from (default: 60s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l secret -d 'Log in with this secret of AWS Secrets Manager (name or ARN)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l target -d 'Target of pgtend.toml to work with' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l config -d 'Settings file to read instead of the first pgtend.toml found' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s r -l repo -d 'Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l identity -d 'File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE, or identity in pgtend.toml)' -r -F
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l endpoint-url -d 'Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-region -d 'Region of the bucket (or AWS_REGION, or the profile\'s)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-profile -d 'Profile of ~/.aws for the repository (or AWS_PROFILE)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-path-style -d 'Put the bucket into the path, not the host name: true or false (true with an endpoint)' -r -f -a "true\t''
false\t''"
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-checksum -d 'Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-sse -d 'Let the server encrypt objects: AES256 or aws:kms' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-kms-key -d 'Encrypt with this key of KMS' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-storage-class -d 'Storage class of the objects, like STANDARD_IA or GLACIER_IR' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-object-lock -d 'Lock new objects: governance:30d, or compliance:30d which nobody can undo' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-expected-owner -d 'Refuse a bucket of another account than this one' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l s3-uploads -d 'Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l format -d 'Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github (not every command has all; --show-settings: toml too)' -r
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l log-format -d 'Form of what is said on stderr: lines for people, or a JSON object in each line' -r -f -a "text\t'Lines for people'
json\t'One JSON object in each line'"
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l all-databases -d 'Statements of every database'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s w -l no-password -d 'Never ask for a password'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s W -l password -d 'Ask for the password first, whatever is known'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l iam -d 'Log in with an RDS IAM token, made anew for each connection; TLS is required'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l show-settings -d 'Show what is in force and where each value is from, without secrets, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -l show-server -d 'Connect, show what is known of the server and of the way to it, and stop'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s q -l quiet -d 'Say nothing on stderr but warnings and errors'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s v -l verbose -d 'Say what is being done'
complete -c pgtend -n "__fish_pgtend_using_subcommand slow-queries" -s ? -l help -d 'Print help'
