#!/usr/bin/env bash
# Runs the test suites of client libraries in other languages, as their projects publish them, against zabkeeper and
# against Apache ZooKeeper, and says how many tests passed with which. Ends with 1 if a test passes with Apache ZooKeeper
# and fails with zabkeeper for a reason that is not in test/compat/languages/known-differences.txt.
#
# usage: scripts/client-suites.sh [--servers zabkeeper,apache-3.9] [--table] [SUITE ...]
#   suites: kazoo go-zk aiozk zookeeper-client zookeeper-java curator (default: all)
#   --table: only the table, from what has been run before
#
# The suites come from PyPI, the Go module proxy, crates.io and Maven Central into $ZABKEEPER_SUITES (default
# ~/.cache/zabkeeper/client-suites); so do the logs, as SUITE.SERVER.log, and the results, as SUITE.SERVER.results. A suite
# whose toolchain is missing (python3 with venv, go, cargo, mvn and javac) is left out with a message. Each takes minutes:
# most of it is waiting that the tests do on purpose. Because they also rely on how long things take, tests of Python, Go
# and Rust that fail are run again, twice at most, with either server.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
stand_ins=$project/test/compat/languages/stand-ins
work=${ZABKEEPER_SUITES:-$HOME/.cache/zabkeeper/client-suites}
export ZABKEEPER_PROGRAM=${ZABKEEPER_PROGRAM:-$project/dist/bin/zabkeeper.js}
KAZOO=2.11.0
AIOZK=0.32.0
GO_ZK=v1.0.4
ZOOKEEPER_CLIENT=0.11.2
all=(kazoo go-zk aiozk zookeeper-client zookeeper-java curator)

servers=zabkeeper,apache-3.9
table_only=
suites=()
while (($#)); do
  case $1 in
    --servers) servers=$2 && shift ;;
    --table) table_only=1 ;;
    *)
      [[ " ${all[*]} " == *" $1 "* ]] || { echo "client-suites: $1: no option, and no suite (${all[*]})" >&2 && exit 2; }
      suites+=("$1")
      ;;
  esac
  shift
done
((${#suites[@]})) || suites=("${all[@]}")
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
  [ "$(cat "$folder/done" 2>/dev/null)" != "${*:2}" ] || return 0
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
  echo "${*:2}" >"$folder/done"
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
  python_for kazoo pytest pytest-timeout pytest-rerunfailures gevent eventlet pyjks 'pyopenssl<24' pure_sasl objgraph 'setuptools<81'
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
  "$work/python-kazoo/bin/python" -m pytest -o addopts= -o log_cli=false -p no:cacheprovider --timeout 300 --reruns 2 -q -rfE \
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
  : >"$out.log"
  # Several runs: tests of this suite that are repeated within one end it with an internal error of pytest.
  for _ in 1 2 3; do
    ZK_HOST=127.0.0.1 ZK_PORT=$port "$work/python-aiozk/bin/python" -m pytest -o addopts= -o asyncio_mode=auto \
      -o cache_dir="$out.cache" --last-failed --timeout 60 -q -rfE --junitxml "$out.xml" >>"$out.log" 2>&1 && break
    node "$project/scripts/lib/suite-results.mjs" junit "$out.xml" >>"$out.results"
  done
  kill "$served" && wait "$served" || true
  rm -rf "$folder"
  node "$project/scripts/lib/suite-results.mjs" junit "$out.xml" >>"$out.results"
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
  : >"$out.log"
  local pattern=.
  for _ in 1 2 3; do
    ./zk.test -test.v -test.timeout 1200s -test.run "$pattern" >>"$out.log" 2>&1 || true
    node "$project/scripts/lib/suite-results.mjs" go "$out.log" >"$out.results"
    pattern="^($(failed_in "$out.results" | cut -d/ -f1 | sort -u | paste -sd '|'))\$"
    [ "$pattern" != '^()$' ] || break
  done
}

failed_in() { sed -n 's/^failed //p' "$1"; }

prepare_zookeeper_client() {
  local folder=$work/zookeeper-client-$ZOOKEEPER_CLIENT holder=$work/zookeeper-client-fetched
  [ -e "$folder/done" ] && return
  # Cargo unpacks a crate where it is a dependency. The tests come with it, but for a fork of testcontainers.
  [ -e "$holder" ] || cargo init --quiet --vcs none --name holder "$holder"
  (cd "$holder" && cargo add --quiet "zookeeper-client@=$ZOOKEEPER_CLIENT" && cargo vendor --quiet >/dev/null)
  cp -r "$holder/vendor/zookeeper-client" "$folder"
  rm -f "$folder/.cargo-checksum.json"
  printf '\n[dev-dependencies.testcontainers]\npath = "%s"\n' "$stand_ins/testcontainers" >>"$folder/Cargo.toml"
  (cd "$folder" && CARGO_PROFILE_DEV_LTO=off cargo test --quiet --features tokio --test zookeeper --no-run)
  touch "$folder/done"
}

# Each test has a container of its own, which is a process here. Without the features that are about TLS and SASL.
run_zookeeper_client() {
  local server=$1 out=$2 names=()
  SUITE_CLASS_PATH=
  [ "$server" = zabkeeper ] || SUITE_CLASS_PATH=$(class_path "$server")
  export SUITE_CLASS_PATH SUITE_SERVER=$server CARGO_PROFILE_DEV_LTO=off
  cd "$work/zookeeper-client-$ZOOKEEPER_CLIENT"
  : >"$out.log"
  for _ in 1 2 3; do
    cargo test --features tokio --test zookeeper -- --test-threads 2 "${names[@]}" >>"$out.log" 2>&1 || true
    node "$project/scripts/lib/suite-results.mjs" cargo "$out.log" >"$out.results"
    mapfile -t names < <(failed_in "$out.results" | sed '1i --exact')
    ((${#names[@]} > 1)) || break
  done
}

# Jars to a folder: name, dependencies as group:artifact:version[:classifier].
jars_for() {
  local folder=$work/$1-jars dependency parts
  [ -e "$folder" ] && return
  mkdir -p "$folder.pom"
  {
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>suites</groupId><artifactId>suites</artifactId><version>1</version><dependencies>'
    for dependency in "${@:2}"; do
      IFS=: read -ra parts <<<"$dependency"
      echo "<dependency><groupId>${parts[0]}</groupId><artifactId>${parts[1]}</artifactId><version>${parts[2]}</version>"
      [ -z "${parts[3]:-}" ] || echo "<classifier>${parts[3]}</classifier>"
      echo '</dependency>'
    done
    echo '</dependencies></project>'
  } >"$folder.pom/pom.xml"
  mvn -q -B -f "$folder.pom/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder" >/dev/null
  # The launcher brings JUnit; a second one of another age beside it breaks it.
  rm -f "$folder"/junit-jupiter-* "$folder"/junit-platform-{commons,engine}-*
}

java_common=(
  org.apache.zookeeper:zookeeper:3.9.3 org.junit.platform:junit-platform-console-standalone:1.8.2
  org.hamcrest:hamcrest:2.2 org.mockito:mockito-core:4.9.0 io.dropwizard.metrics:metrics-core:4.1.12.1
  org.xerial.snappy:snappy-java:1.1.10.5 commons-cli:commons-cli:1.5.0 org.slf4j:slf4j-nop:1.7.30
  com.fasterxml.jackson.core:jackson-databind:2.15.2 org.eclipse.jetty:jetty-servlet:9.4.56.v20240826
  org.apache.commons:commons-lang3:3.14.0 org.apache.commons:commons-collections4:4.4
)

prepare_zookeeper_java() {
  local harness=$stand_ins/java-harness
  jars_for zookeeper-java "${java_common[@]}" org.apache.zookeeper:zookeeper:3.9.3:tests jline:jline:2.14.6
  javac -d "$work/zookeeper-java-harness" -cp "$work/zookeeper-java-jars/*" "$harness/ServerProcess.java" \
    "$harness/ProcessServerCnxnFactory.java" "$harness/JMXEnv.java"
}

# The tests that know their server as an address: one standalone server each, started through its connection factory.
run_zookeeper_java() {
  local first=() flags=()
  if [ "$1" = zabkeeper ]; then
    first=("$work/zookeeper-java-harness:")
    flags=(-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.ProcessServerCnxnFactory)
  fi
  run_junit zookeeper-java "$2" "${first[*]:-}" "$stand_ins/java-harness/zookeeper-tests.txt" "${flags[@]}"
}

prepare_curator() {
  local harness=$stand_ins/java-harness
  jars_for curator "${java_common[@]}" org.apache.curator:curator-framework:5.7.1:tests \
    org.apache.curator:curator-recipes:5.7.1:tests org.apache.curator:curator-recipes:5.7.1 \
    org.apache.curator:curator-test:5.7.1 org.awaitility:awaitility:4.2.0 org.assertj:assertj-core:3.24.2
  javac -d "$work/curator-harness" -cp "$work/curator-jars/*" "$harness/ServerProcess.java" \
    "$harness/ZooKeeperServerEmbeddedAdapter.java"
}

# Servers and clusters.
run_curator() {
  local first=
  [ "$1" != zabkeeper ] || first=$work/curator-harness:
  run_junit curator "$2" "$first" "$stand_ins/java-harness/curator-tests.txt"
}

# A Java machine for each class of tests: suite, out, begin of the class path, file of classes, flags of Java.
run_junit() {
  local suite=$1 out=$2 first=$3 class folder
  rm -rf "$out.reports"
  : >"$out.results"
  : >"$out.log"
  while read -r class; do
    folder=$out.reports/$class
    mkdir -p "$folder/tmp"
    timeout 900 java "${@:5}" -Djava.io.tmpdir="$folder/tmp" -Dbuild.test.dir="$folder/tmp" \
      '-Dzookeeper.4lw.commands.whitelist=*' -cp "$first$work/$suite-jars/*" \
      org.junit.platform.console.ConsoleLauncher --disable-banner --disable-ansi-colors --include-classname '.*' \
      --reports-dir="$folder" -c "$class" </dev/null >>"$out.log" 2>&1 || true
    if [ -e "$folder/TEST-junit-jupiter.xml" ]; then
      node "$project/scripts/lib/suite-results.mjs" junit "$folder/TEST-junit-jupiter.xml" >>"$out.results"
    else
      echo "failed $class.(did not end in 15 minutes)" >>"$out.results"
    fi
    rm -rf "$folder/tmp"
  done <"$4"
}

tool_of() {
  case $1 in go-zk) echo go ;; zookeeper-client) echo cargo ;; zookeeper-java | curator) echo mvn ;; *) echo python3 ;; esac
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
    tool=$(tool_of "$suite")
    command -v "$tool" >/dev/null || { say "$suite is left out: $tool is missing" && continue; }
    "prepare_${suite//-/_}"
    for server in ${servers//,/ }; do
      say "$suite with $server"
      rm -rf "$work/$suite.$server".*
      ("run_${suite//-/_}" "$server" "$work/$suite.$server")
    done
  done
fi
node "$project/scripts/lib/suite-results.mjs" table "$work" "$project/test/compat/languages/known-differences.txt" \
  "${suites[@]}"
