#!/bin/sh
# A backup that was restored: dump the database and the files, restore the dump beside, audit it, keep what is young.
#   tools/backup.sh FOLDER        needs HUTONG_DATABASE_URL, HUTONG_DATA, and a database of the same name with _check
# Ends with an error, and keeps the older backups, when anything of it fails.
set -eu
to=$1
keep_days=${BACKUP_DAYS:-14}
here=$(cd "$(dirname "$0")/.." && pwd)
now=$(date -u +%Y-%m-%dT%H%MZ)
check=$(printf '%s' "$HUTONG_DATABASE_URL" | sed 's/\(\?.*\)\{0,1\}$/_check\1/')
mkdir -p "$to"

pg_dump -Fc -d "$HUTONG_DATABASE_URL" -f "$to/$now.dump.part"
tar -C "$HUTONG_DATA" --exclude=./metrics --exclude=./postgres -czf "$to/$now.files.tgz.part" .

pg_restore --no-owner --clean --if-exists -j 2 -d "$check" "$to/$now.dump.part"
HUTONG_DATABASE_URL=$check "$here/.venv/bin/hutong" audit --json >"$to/$now.audit.json" 2>/dev/null || {
    cat "$to/$now.audit.json"
    echo "the restored backup does not pass its audit" >&2
    exit 1
}

mv "$to/$now.dump.part" "$to/$now.dump"
mv "$to/$now.files.tgz.part" "$to/$now.files.tgz"
find "$to" -maxdepth 1 -name '20*' -mtime "+$keep_days" -delete
echo "$to/$now.dump restored and audited: $(cut -c1-60 "$to/$now.audit.json")"
