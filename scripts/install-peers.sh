#!/usr/bin/env bash
# Installs the foreign programs that the tests in test/compat compare with and connect from, on Debian 12:
#   Apache ZooKeeper 3.8.0 (server, zkCli.sh, Java client), the C client and its shell, kazoo, Curator
#   Apache ZooKeeper 3.9.3, from the next Debian release, unpacked to /opt/zookeeper-3.9.3 (or the folder given)
#   the npm package zookeeper, a build of the C client, in node_modules/.cache/npm-zookeeper
#   PostgreSQL, which one of the examples writes to, Patroni, which manages it through ZooKeeper, and zktop
# Safe to run again: what is there is left alone.
# usage: scripts/install-peers.sh [FOLDER FOR 3.9.3]
set -euo pipefail

folder=${1:-/opt/zookeeper-3.9.3}
packages=(
  zookeeper zookeeper-bin libzookeeper-mt-dev python3-kazoo libcurator-recipes-java
  default-jdk-headless gcc libc6-dev strace
  # the database of an example and of Patroni
  postgresql patroni
  zktop bsdutils
  # promtool, systemd-analyze and a reader of YAML, for what is in packaging
  prometheus systemd python3-yaml
  # libraries of the 3.9.3 server
  libslf4j-java libjackson2-databind-java libdropwizard-metrics-java libcommons-cli-java
  libcommons-io-java libsnappy-java libnetty-java libjetty9-java liblog4j1.2-java
)

if ! command -v apt-get >/dev/null; then
  echo "install-peers: this machine has no apt-get; install Apache ZooKeeper, its C client and kazoo by hand" >&2
  exit 1
fi

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
install_packages() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "install-peers: installing ${missing[*]}"
  as_root apt-get update -qq
  install_packages "${missing[@]}"
fi

npm_zookeeper=$(cd "$(dirname "$0")/.." && pwd)/node_modules/.cache/npm-zookeeper
if [ ! -d "$npm_zookeeper/node_modules/zookeeper" ]; then
  echo "install-peers: installing the npm package zookeeper"
  npm install --silent --prefix "$npm_zookeeper" zookeeper@7.3.0
fi

# Of the 3.5 line there is no package. Its tests are skipped where Maven is not there or finds nothing.
folder_35=/opt/zookeeper-3.5.10
if command -v mvn >/dev/null && [ ! -e "$folder_35/zookeeper-3.5.10.jar" ]; then
  echo "install-peers: fetching Apache ZooKeeper 3.5.10 to $folder_35"
  pom=$(mktemp -d)
  cat >"$pom/pom.xml" <<'EOF'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>peers</groupId><artifactId>peers</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.zookeeper</groupId><artifactId>zookeeper</artifactId><version>3.5.10</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
EOF
  timeout 60 mvn -q -B -f "$pom/pom.xml" dependency:copy-dependencies -DoutputDirectory="$pom/jars" >/dev/null &&
    as_root mkdir -p "$folder_35" && as_root cp "$pom"/jars/*.jar "$folder_35" ||
    echo "install-peers: not found; tests with 3.5 are skipped" >&2
  rm -rf "$pom"
fi

if [ -e "$folder/zookeeper-3.9.3.jar" ]; then exit 0; fi
echo "install-peers: unpacking Apache ZooKeeper 3.9.3 to $folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/sources" "$work/lists/partial"

# The same Debian mirror, one release later, in package lists of its own: nothing of it gets installed.
for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  [ -s "$file" ] || continue
  case $file in
    *.sources) sed -n '/^Types:/,/^$/p' "$file" | awk 'BEGIN { RS = ""; ORS = "\n\n" } !/security/' |
      sed 's/^Suites:.*/Suites: trixie/' >"$work/sources/trixie.sources" ;;
    *) grep -E '^deb ' "$file" | grep -v security | head -1 |
      sed -E 's/ bookworm[^ ]* / trixie /' >"$work/sources/trixie.list" ;;
  esac
  break
done
apt_options=(
  -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources"
  -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root
)
as_root apt-get "${apt_options[@]}" update -qq
(cd "$work" && apt-get "${apt_options[@]}" download -qq libzookeeper-java && dpkg -x libzookeeper-java_*.deb root)
maven="$work/root/usr/share/maven-repo/org/apache/zookeeper"
as_root mkdir -p "$folder"
as_root cp "$maven/zookeeper/3.9.3/zookeeper-3.9.3.jar" "$maven/zookeeper-jute/3.9.3/zookeeper-jute-3.9.3.jar" "$folder/"
