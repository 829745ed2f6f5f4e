#!/usr/bin/env bash
# Installs whole systems that keep their state in ZooKeeper, for the tests in test/compat/systems. They come from Maven
# Central with all they need, unmodified, one folder of jars each:
#   kafka   Apache Kafka 3.9.1, the last line that runs on ZooKeeper, to /opt/kafka-3.9.1
#   hbase   Apache HBase 2.6.1 for Hadoop 3, to /opt/hbase-2.6.1
#   solr    Apache Solr 9.7.0 with the runner of its own tests, to /opt/solr-9.7.0
# Safe to run again: what is there is left alone. The check before a change (.ci/run) neither runs this nor those tests;
# without a system its tests are skipped.
# usage: scripts/install-systems.sh [SYSTEM…]       all without an argument; PREFIX=FOLDER takes the place of /opt
set -euo pipefail

prefix=${PREFIX:-/opt}
systems=(kafka hbase solr)

as_root() { if [ -w "$prefix" ] || [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# fetch FOLDER GROUP:ARTIFACT:VERSION… puts those and what they depend on into the folder.
fetch() {
  local folder=$1 work dependencies='' group artifact version
  shift
  if [ -e "$folder/.complete" ]; then
    echo "install-systems: $folder is there"
    return
  fi
  echo "install-systems: fetching $1 to $folder"
  for coordinates in "$@"; do
    IFS=: read -r group artifact version <<<"$coordinates"
    dependencies+="<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId>"
    dependencies+="<version>$version</version></dependency>"
  done
  work=$(mktemp -d)
  cat >"$work/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>systems</groupId><artifactId>systems</artifactId><version>1</version>
  <dependencies>$dependencies</dependencies>
</project>
POM
  timeout 900 mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$work/jars" >"$work/log" 2>&1 || {
    echo "install-systems: Maven did not fetch $1:" >&2
    tail -5 "$work/log" >&2
    rm -rf "$work"
    exit 1
  }
  as_root mkdir -p "$folder"
  as_root cp "$work"/jars/*.jar "$folder"
  as_root touch "$folder/.complete"
  rm -rf "$work"
}

install_kafka() {
  local version=3.9.1
  fetch "$prefix/kafka-$version" "org.apache.kafka:kafka_2.13:$version" \
    "org.apache.kafka:kafka-tools:$version" org.slf4j:slf4j-reload4j:1.7.36
}

install_hbase() {
  local version=2.6.1
  fetch "$prefix/hbase-$version" "org.apache.hbase:hbase-server:$version-hadoop3"
}

install_solr() {
  local version=9.7.0
  fetch "$prefix/solr-$version" "org.apache.solr:solr-core:$version" \
    "org.apache.solr:solr-test-framework:$version"
}

if ! command -v mvn >/dev/null; then
  echo 'install-systems: mvn is missing (Debian: apt-get install maven default-jdk-headless)' >&2
  exit 1
fi
for system in "${@:-${systems[@]}}"; do
  if ! declare -F "install_$system" >/dev/null; then
    echo "install-systems: there is no system $system; there are: ${systems[*]}" >&2
    exit 1
  fi
  "install_$system"
done
