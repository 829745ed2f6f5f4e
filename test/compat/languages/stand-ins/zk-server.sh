#!/usr/bin/env bash
# As `zkServer.sh start-foreground zoo.cfg`, which test harnesses call: the server in a process with the id that the
# harness knows. SUITE_SERVER says which; with SUITE_CLASS_PATH it is Apache ZooKeeper. SERVER_JVMFLAGS counts for both.
set -euo pipefail
if [ "$SUITE_SERVER" = zabkeeper ]; then
  exec node "$ZABKEEPER_PROGRAM" serve "$2" --log-format text
fi
# Not quoted: it is several words.
# shellcheck disable=SC2086
exec java ${SERVER_JVMFLAGS:-} -cp "$SUITE_CLASS_PATH" org.apache.zookeeper.server.quorum.QuorumPeerMain "$2"
