"""What kazoo knows of a server without a session's requests: four-letter words on the server it is connected to."""

import re
import sys

from kazoo.client import KazooClient

WORDS = ('ruok', 'srvr', 'stat', 'mntr', 'envi', 'conf')

for port in sys.argv[1:]:
    client = KazooClient(hosts='127.0.0.1:' + port, timeout=30)
    client.start(timeout=60)
    answers = {word: client.command(word.encode()) for word in WORDS}
    assert answers['ruok'] == 'imok', answers['ruok']
    mode = re.search(r'^Mode: (\w+)$', answers['srvr'], re.M).group(1)
    assert '\nMode: %s\n' % mode in answers['stat'], answers['stat']
    assert re.search(r'^ /127\.0\.0\.1:\d+\[\d+\]\(queued=\d+,recved=\d+,sent=\d+', answers['stat'], re.M)
    assert '\nzk_server_state\t%s\n' % mode in answers['mntr'], answers['mntr']
    assert answers['conf'] == 'conf is not executed because it is not in the whitelist.\n', answers['conf']
    print(port, mode, '.'.join(map(str, client.server_version())), flush=True)
    client.stop()
