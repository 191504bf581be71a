#!/usr/bin/env bash
# docker compose 2.26 drops a mac_address: before API 1.44 if the network has settings, from then on if it has none.
#
# Since API 1.44 the address belongs to the connection to a network, before that to the container. For an older engine
# compose takes the container's from the network's settings, where there are any, and overwrites the service's own with
# nothing; for a newer one it writes the address into the network's settings, where there are any, and drops it otherwise.
# Here a socket stands for the engine: it keeps what it is asked to create, and creates nothing.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download docker-compose=2.26.1-4
dpkg -x docker-compose_*.deb plugin
compose=$folder/plugin/usr/libexec/docker/cli-plugins/docker-compose
uname -sr
python3 --version
"$compose" version
for form in '' '{ ipv4_address: 10.9.8.7 }'; do
    cat >"compose${form:+-settings}.yaml" <<YAML
name: finding
services:
  web:
    image: nothing:1
    pull_policy: never
    mac_address: 02:00:00:00:01:02
    networks:
      lan: $form
networks:
  lan:
YAML
done
cat >engine.py <<'PYTHON'
import json
import sys
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer

path, api = sys.argv[1:]
LABELS = {"com.docker.compose.project": "finding", "com.docker.compose.network": "lan"}
NETWORK = {"Name": "finding_lan", "Id": "1" * 64, "Driver": "bridge", "Labels": LABELS, "IPAM": {"Config": []}}


class Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, what):
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Api-Version", api)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Api-Version", api)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        place = self.path.partition("?")[0]
        if place.endswith("/version"):
            self.answer(200, {"Version": "0", "ApiVersion": api, "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"})
        elif "/images/nothing:1" in place:
            self.answer(200, {"Id": "sha256:" + "2" * 64, "Config": {}})
        elif place.endswith("/networks"):
            self.answer(200, [NETWORK])
        elif "/networks/" in place:
            self.answer(200, NETWORK)
        elif place.endswith(("/info", "/_ping")):
            self.answer(200, {"OSType": "linux"})
        else:
            self.answer(200, [])

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if "/containers/create" in self.path:
            ends = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
            known = [body.get("MacAddress"), *((each or {}).get("MacAddress") for each in ends.values())]
            with open("asked", "w") as file:
                file.write(next((each for each in known if each), "none"))
        self.answer(500, {"message": "this engine creates nothing"})

    def log_message(self, *_):
        pass

    def address_string(self):
        return "-"


class Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


Server(path, Engine).serve_forever()
PYTHON
for api in 1.43 1.44; do
    python3 engine.py "$folder/$api" "$api" &
    engine=$!
    until [ -S "$folder/$api" ]; do sleep 0.05; done
    for form in '' -settings; do
        DOCKER_HOST=unix://$folder/$api timeout 20 "$compose" -f "compose$form.yaml" create >said 2>&1 || true
        mv asked "asked-$api$form"
        printf 'API %s, network with%s: the engine is asked for the address %s\n' \
            "$api" "$([ -n "$form" ] && echo ' settings' || echo out)" "$(cat "asked-$api$form")"
    done
    kill "$engine"
    wait "$engine" 2>/dev/null || true
done
given=02:00:00:00:01:02
[ "$(cat asked-1.43) $(cat asked-1.43-settings) $(cat asked-1.44) $(cat asked-1.44-settings)" = "$given none none $given" ]
