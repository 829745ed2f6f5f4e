/* What the command-line client in C cannot do: multi, ACLs, watches with contexts, and a session taken over. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

static volatile int connected, events;
static char last_event[256];

static void watcher(zhandle_t *zh, int type, int state, const char *path, void *context) {
    (void)zh, (void)context;
    if (type == ZOO_SESSION_EVENT) {
        connected = state == ZOO_CONNECTED_STATE;
        return;
    }
    snprintf(last_event, sizeof last_event, "%d %s", type, path);
    __sync_fetch_and_add(&events, 1);
}

static void check(int ok, const char *what, int line) {
    if (ok) return;
    fprintf(stderr, "line %d: %s\n", line, what);
    exit(1);
}
#define EXPECT(condition) check((condition), #condition, __LINE__)

static void wait_for(volatile int *value, int wanted) {
    for (int i = 0; i < 3000 && *value != wanted; i++) usleep(10000);
    EXPECT(*value == wanted);
}

static zhandle_t *open_session(const char *address, const clientid_t *id) {
    connected = 0;
    zhandle_t *zh = zookeeper_init(address, watcher, 30000, id, NULL, 0);
    EXPECT(zh != NULL);
    wait_for(&connected, 1);
    return zh;
}

static void data(zhandle_t *zh) {
    char path[128], value[64];
    struct Stat stat;
    int length = sizeof value;
    EXPECT(zoo_create(zh, "/c", "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK);
    EXPECT(zoo_create(zh, "/c", "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZNODEEXISTS);
    EXPECT(zoo_create(zh, "/c/null", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK);
    EXPECT(zoo_get(zh, "/c/null", 0, value, &length, &stat) == ZOK && length == -1);
    EXPECT(zoo_set2(zh, "/c", "three", 5, 0, &stat) == ZOK && stat.version == 1);
    EXPECT(zoo_set(zh, "/c", "x", 1, 0) == ZBADVERSION);
    length = sizeof value;
    EXPECT(zoo_get(zh, "/c", 0, value, &length, &stat) == ZOK);
    EXPECT(length == 5 && memcmp(value, "three", 5) == 0 && stat.numChildren == 1 && stat.cversion == 1);
    struct String_vector names;
    EXPECT(zoo_get_children2(zh, "/c", 0, &names, &stat) == ZOK);
    EXPECT(names.count == 1 && strcmp(names.data[0], "null") == 0);
    deallocate_String_vector(&names);
    EXPECT(zoo_delete(zh, "/c", -1) == ZNOTEMPTY);
    EXPECT(zoo_create2(zh, "/c/two", "22", 2, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path, &stat) == ZOK);
    EXPECT(strcmp(path, "/c/two") == 0 && stat.dataLength == 2);
    EXPECT(zoo_create2_ttl(zh, "/c/box", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_CONTAINER, -1, path, sizeof path, &stat) == ZOK);
    EXPECT(stat.ephemeralOwner == 0);
    puts("ok data");
}

static void sequential_and_ephemeral(zhandle_t *zh) {
    char path[128];
    struct Stat stat;
    EXPECT(zoo_create(zh, "/seq", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK);
    EXPECT(zoo_create(zh, "/seq/n-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, path, sizeof path) == ZOK);
    EXPECT(strcmp(path, "/seq/n-0000000000") == 0);
    EXPECT(zoo_create(zh, "/seq/e-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE | ZOO_EPHEMERAL, path, sizeof path) == ZOK);
    EXPECT(strcmp(path, "/seq/e-0000000001") == 0);
    EXPECT(zoo_exists(zh, path, 0, &stat) == ZOK && stat.ephemeralOwner == zoo_client_id(zh)->client_id);
    EXPECT(zoo_create(zh, "/seq/e-0000000001/x", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZNOCHILDRENFOREPHEMERALS);
    puts("ok sequential and ephemeral");
}

static void watches(zhandle_t *zh) {
    struct Stat stat;
    struct String_vector names;
    events = 0;
    EXPECT(zoo_wexists(zh, "/watched", watcher, NULL, &stat) == ZNONODE);
    EXPECT(zoo_create(zh, "/watched", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0) == ZOK);
    wait_for(&events, 1);
    EXPECT(strcmp(last_event, "1 /watched") == 0);
    EXPECT(zoo_wexists(zh, "/watched", watcher, NULL, &stat) == ZOK);
    EXPECT(zoo_set(zh, "/watched", "x", 1, -1) == ZOK);
    wait_for(&events, 2);
    EXPECT(strcmp(last_event, "3 /watched") == 0);
    EXPECT(zoo_wget_children(zh, "/watched", watcher, NULL, &names) == ZOK && names.count == 0);
    EXPECT(zoo_create(zh, "/watched/child", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0) == ZOK);
    wait_for(&events, 3);
    EXPECT(strcmp(last_event, "4 /watched") == 0);
    EXPECT(zoo_wexists(zh, "/watched/child", watcher, NULL, &stat) == ZOK);
    EXPECT(zoo_remove_all_watches(zh, "/watched/child", ZWATCHTYPE_DATA, 0) == ZOK);
    EXPECT(zoo_remove_all_watches(zh, "/watched/child", ZWATCHTYPE_DATA, 0) == ZNOWATCHER);
    EXPECT(zoo_delete(zh, "/watched/child", -1) == ZOK);
    puts("ok watches");
}

static void multi(zhandle_t *zh) {
    char path[64], numbered[64];
    struct Stat stat;
    zoo_op_t ops[5];
    zoo_op_result_t results[5];
    zoo_create_op_init(&ops[0], "/multi", "0", 1, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
    zoo_create_op_init(&ops[1], "/multi/n-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, numbered, sizeof numbered);
    zoo_set_op_init(&ops[2], "/multi", "11", 2, 0, &stat);
    zoo_check_op_init(&ops[3], "/multi", 1);
    zoo_delete_op_init(&ops[4], "/multi/n-0000000000", 0);
    EXPECT(zoo_multi(zh, 5, ops, results) == ZOK);
    EXPECT(strcmp(path, "/multi") == 0 && strcmp(numbered, "/multi/n-0000000000") == 0);
    EXPECT(stat.version == 1 && stat.dataLength == 2 && stat.numChildren == 1);
    for (int i = 0; i < 5; i++) EXPECT(results[i].err == ZOK);
    zoo_create_op_init(&ops[0], "/multi/half", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
    zoo_check_op_init(&ops[1], "/multi", 9);
    zoo_delete_op_init(&ops[2], "/multi", -1);
    EXPECT(zoo_multi(zh, 3, ops, results) == ZBADVERSION);
    EXPECT(results[0].err == ZOK && results[1].err == ZBADVERSION && results[2].err == ZRUNTIMEINCONSISTENCY);
    EXPECT(zoo_exists(zh, "/multi/half", 0, &stat) == ZNONODE);
    puts("ok multi");
}

static volatile int auth_done;
static int auth_rc;
static void on_auth(int rc, const void *context) {
    (void)context;
    auth_rc = rc;
    auth_done = 1;
}

static void acls(zhandle_t *zh, const char *address) {
    char value[16];
    int length = sizeof value;
    struct Stat stat;
    struct ACL_vector acl;
    zhandle_t *member = open_session(address, NULL);
    EXPECT(zoo_add_auth(member, "digest", "user:pass", 9, on_auth, NULL) == ZOK);
    wait_for(&auth_done, 1);
    EXPECT(auth_rc == ZOK);
    EXPECT(zoo_create(member, "/secret", "s", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0) == ZOK);
    EXPECT(zoo_get(zh, "/secret", 0, value, &length, &stat) == ZNOAUTH);
    EXPECT(zoo_get_acl(member, "/secret", &acl, &stat) == ZOK && acl.count == 1);
    EXPECT(acl.data[0].perms == ZOO_PERM_ALL && strcmp(acl.data[0].id.scheme, "digest") == 0);
    EXPECT(strcmp(acl.data[0].id.id, "user:smGaoVKd/cQkjm7b88GyorAUz20=") == 0);
    deallocate_ACL_vector(&acl);
    EXPECT(zoo_set_acl(member, "/secret", 0, &ZOO_READ_ACL_UNSAFE) == ZOK);
    EXPECT(zoo_get(zh, "/secret", 0, value, &length, &stat) == ZOK && stat.aversion == 1);
    EXPECT(zoo_set(member, "/secret", "x", 1, -1) == ZNOAUTH);
    zookeeper_close(member);
    puts("ok acls");
}

/* A process of its own that holds the znode until it is stopped, and cannot answer from then on. */
static pid_t hold_in_child(const char *address, clientid_t *id) {
    int ends[2];
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        zhandle_t *first = open_session(address, NULL);
        EXPECT(zoo_create(first, "/taken", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0) == ZOK);
        EXPECT(write(ends[1], zoo_client_id(first), sizeof *id) == sizeof *id);
        for (;;) pause();
    }
    close(ends[1]);
    EXPECT(read(ends[0], id, sizeof *id) == sizeof *id);
    close(ends[0]);
    int status;
    EXPECT(kill(child, SIGSTOP) == 0 && waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    return child;
}

/* 1. The second connection takes the session. 2. The server closes the first one. 3. Its library, when it is not
 * stopped, connects again within a millisecond and takes the session back. 4. What the second one asks is lost. */
static void takeover(const char *address) {
    struct Stat stat;
    clientid_t id;
    pid_t first = hold_in_child(address, &id);
    zhandle_t *second = open_session(address, &id);
    EXPECT(zoo_client_id(second)->client_id == id.client_id);
    EXPECT(zoo_exists(second, "/taken", 0, &stat) == ZOK && stat.ephemeralOwner == id.client_id);
    zookeeper_close(second);
    zhandle_t *third = open_session(address, NULL);
    /* zookeeper_close sends closeSession and does not wait for its reply. */
    int left = ZOK;
    for (int i = 0; i < 3000 && left == ZOK; i++) {
        left = zoo_exists(third, "/taken", 0, &stat);
        if (left == ZOK) usleep(10000);
    }
    EXPECT(left == ZNONODE);
    zookeeper_close(third);
    EXPECT(kill(first, SIGKILL) == 0 && waitpid(first, NULL, 0) == first);
    puts("ok takeover");
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    zoo_set_debug_level(0);
    zhandle_t *zh = open_session(argv[1], NULL);
    data(zh);
    sequential_and_ephemeral(zh);
    watches(zh);
    multi(zh);
    acls(zh, argv[1]);
    zookeeper_close(zh);
    takeover(argv[1]);
    return 0;
}
