#!/usr/bin/env bash
# Runs the test suites of client libraries in other languages, as their projects publish them, against zabkeeper and
# against Apache ZooKeeper, and says how many tests passed with which. Ends with 1 if a test passes with Apache ZooKeeper
# and fails with zabkeeper for a reason that is not in test/compat/languages/known-differences.txt.
#
# usage: scripts/client-suites.sh [--servers zabkeeper,apache-3.9] [--table] [SUITE ...]
#   suites: kazoo go-zk aiozk (default: all)
#   --table: only the table, from what has been run before
#
# The suites come from PyPI and the Go module proxy into $ZABKEEPER_SUITES (default ~/.cache/zabkeeper/client-suites); so
# do the logs, as SUITE.SERVER.log, and the results, as SUITE.SERVER.results. Each suite needs its toolchain (python3 with
# venv, go) and takes minutes: most of it is waiting that the tests do on purpose.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
stand_ins=$project/test/compat/languages/stand-ins
work=${ZABKEEPER_SUITES:-$HOME/.cache/zabkeeper/client-suites}
export ZABKEEPER_PROGRAM=${ZABKEEPER_PROGRAM:-$project/dist/bin/zabkeeper.js}
KAZOO=2.11.0
AIOZK=0.32.0
GO_ZK=v1.0.4

servers=zabkeeper,apache-3.9
table_only=
suites=()
while (($#)); do
  case $1 in
    --servers) servers=$2 && shift ;;
    --table) table_only=1 ;;
    kazoo | go-zk | aiozk) suites+=("$1") ;;
    *) echo "client-suites: $1: neither an option nor a suite (kazoo, go-zk, aiozk)" >&2 && exit 2 ;;
  esac
  shift
done
((${#suites[@]})) || suites=(kazoo go-zk aiozk)
mkdir -p "$work/bin" && ln -sf "$stand_ins/zk-server.sh" "$work/bin/zkServer.sh"

say() { echo "client-suites: $*" >&2; }

# The class path of an Apache ZooKeeper, as scripts/install-peers.sh installs them.
class_path() {
  local java=/usr/share/java name path
  case $1 in
    apache-3.8) echo "/etc/zookeeper/conf:$java/zookeeper.jar:$java/slf4j-simple.jar" && return ;;
    apache-3.9) path=$(echo /opt/zookeeper-3.9*/zookeeper-jute-3.9*.jar /opt/zookeeper-3.9*/zookeeper-3.9*.jar) ;;
    *) say "$1: no such server (zabkeeper, apache-3.8, apache-3.9)" && exit 2 ;;
  esac
  for name in slf4j-api slf4j-simple jackson-databind jackson-core jackson-annotations metrics-core commons-cli \
    commons-io snappy-java netty-all netty-handler netty-common netty-buffer netty-transport netty-codec \
    netty-resolver jetty9-server jetty9-util jetty9-http jetty9-io jetty9-servlet jetty9-security servlet-api; do
    path="$path $java/$name.jar"
  done
  echo "${path// /:}"
}

# What a server says that it is, for tests that ask their environment instead of it.
version_of() { case $1 in apache-3.8) echo 3.8.0 ;; *) echo 3.9.3 ;; esac; }

# A virtual environment of Python for a suite: name, packages.
python_for() {
  local folder=$work/python-$1
  if [ ! -e "$folder/done" ]; then
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
    touch "$folder/done"
  fi
}

# The source of a Python package, which holds its tests: name, version.
python_source() {
  [ -d "$work/$1-$2" ] && return
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
    --dest "$work" "$1==$2"
  tar xzf "$work/$1-$2.tar.gz" -C "$work"
}

prepare_kazoo() {
  python_source kazoo "$KAZOO"
  # The harness makes certificates with a part of pyOpenSSL that later releases do not have.
  python_for kazoo pytest pytest-timeout gevent eventlet pyjks 'pyopenssl<24' pure_sasl objgraph 'setuptools<81'
}

# Its harness starts three servers for each class of tests: `java` with a class path and a file.
run_kazoo() {
  local server=$1 out=$2 skipped=()
  if [ "$server" = zabkeeper ]; then
    export PATH=$stand_ins:$PATH
    # Against a server without SASL, Apache ZooKeeper too, kazoo repeats its first token for ever: nothing of it ends.
    skipped=(--deselect kazoo/tests/test_sasl.py)
  else
    ZOOKEEPER_CLASSPATH=$(class_path "$server") && export ZOOKEEPER_CLASSPATH
  fi
  export ZOOKEEPER_PATH=/usr/share/java ZOOKEEPER_VERSION PYTHONPATH=.
  ZOOKEEPER_VERSION=$(version_of "$server")
  cd "$work/kazoo-$KAZOO"
  "$work/python-kazoo/bin/python" -m pytest -o addopts= -o log_cli=false -p no:cacheprovider --timeout 300 -q -rfE \
    --junitxml "$out.xml" "${skipped[@]}" kazoo/tests >"$out.log" 2>&1 || true
  node "$project/scripts/lib/suite-results.mjs" junit "$out.xml" >"$out.results"
}

prepare_aiozk() {
  python_source aiozk "$AIOZK"
  python_for aiozk pytest pytest-asyncio pytest-timeout
}

# One server for all.
run_aiozk() {
  local server=$1 out=$2 folder port
  folder=$(mktemp -d)
  port=$(free_port)
  printf '%s\n' "dataDir=$folder/data" "clientPort=$port" tickTime=500 admin.enableServer=false >"$folder/zoo.cfg"
  serve_in_background "$server" "$folder/zoo.cfg" "$port"
  cd "$work/aiozk-$AIOZK"
  ZK_HOST=127.0.0.1 ZK_PORT=$port "$work/python-aiozk/bin/python" -m pytest -o addopts= -o asyncio_mode=auto \
    -p no:cacheprovider --timeout 60 -q -rfE --junitxml "$out.xml" >"$out.log" 2>&1 || true
  kill "$served" && wait "$served" || true
  rm -rf "$folder"
  node "$project/scripts/lib/suite-results.mjs" junit "$out.xml" >"$out.results"
}

prepare_go_zk() {
  local folder=$work/go-zk-$GO_ZK module
  [ -e "$folder/zk.test" ] && return
  module=$(cd "$work" && go mod download -json "github.com/go-zookeeper/zk@$GO_ZK" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  mkdir -p "$folder" && cp -r "$module/." "$folder" && chmod -R u+w "$folder"
  # The harness waits until it understands the answer to srvr, and knows only the date of builds before 3.6: with every
  # later server it gives up. Whether a server serves is all that it wants to know.
  sed -i 's/_, ok := FLWSrvr(serverAddrs, time.Second)/ok := serving(serverAddrs)/' "$folder/server_help_test.go"
  cat >"$folder/serving_test.go" <<'EOF'
package zk

import (
	"strings"
	"time"
)

func serving(servers []string) bool {
	for _, server := range servers {
		answer, err := fourLetterWord(server, "srvr", time.Second)
		if err != nil || !strings.Contains(string(answer), "\nMode: ") {
			return false
		}
	}
	return true
}
EOF
  (cd "$folder" && go test -vet=off -c -o zk.test .)
}

# Its harness starts clusters with zkServer.sh.
run_go_zk() {
  local server=$1 out=$2
  SUITE_CLASS_PATH=
  [ "$server" = zabkeeper ] || SUITE_CLASS_PATH=$(class_path "$server")
  export SUITE_CLASS_PATH SUITE_SERVER=$server ZOOKEEPER_BIN_PATH=$work/bin ZK_VERSION
  ZK_VERSION=$(version_of "$server")
  cd "$work/go-zk-$GO_ZK"
  ./zk.test -test.v -test.timeout 1200s >"$out.log" 2>&1 || true
  node "$project/scripts/lib/suite-results.mjs" go "$out.log" >"$out.results"
}

free_port() {
  node -e 'const s = require("net").createServer().listen(0, () => { console.log(s.address().port); s.close() })'
}

# Sets `served` to the id of the process once it answers: server, file, port.
serve_in_background() {
  SUITE_SERVER=$1 SUITE_CLASS_PATH=
  [ "$1" = zabkeeper ] || SUITE_CLASS_PATH=$(class_path "$1")
  export SUITE_SERVER SUITE_CLASS_PATH
  "$stand_ins/zk-server.sh" start-foreground "$2" >"${2%/*}/server.log" 2>&1 &
  served=$!
  for _ in $(seq 300); do
    kill -0 "$served" 2>/dev/null || { say "$1 ended at once:" && tail -5 "${2%/*}/server.log" >&2 && exit 1; }
    (exec 3<>"/dev/tcp/127.0.0.1/$3") 2>/dev/null && return
    sleep 0.2
  done
  say "$1 does not listen on $3 after a minute" && exit 1
}

if [ -z "$table_only" ]; then
  [ -e "$ZABKEEPER_PROGRAM" ] || node "$project/scripts/build.mjs"
  for suite in "${suites[@]}"; do
    "prepare_${suite//-/_}"
    for server in ${servers//,/ }; do
      say "$suite with $server"
      ("run_${suite//-/_}" "$server" "$work/$suite.$server")
    done
  done
fi
node "$project/scripts/lib/suite-results.mjs" table "$work" "$project/test/compat/languages/known-differences.txt" \
  "${suites[@]}"
