"""Writes deployment files of a list: compose with Caddy, and manifests for kustomize.

The same list gives the same files, byte for byte. Secrets are never among them: files name those
that the operator makes with `make-secrets`, which is written beside them.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from services.cli.fleet.definition import Fleet, HubEntry
from services.platform.installation_roles import role_names

UID = 10001
"""The user of the hub's image."""
PROXY_UID = 10002
POSTGRES_UID = 999
PORT = 8000
KEY_FILES = {
    "EMALL_IDENTITY_PRIVATE_KEY_FILE": "identity.pem",
    "EMALL_IDENTITY_PUBLIC_KEY_FILE": "identity-public.pem",
    "EMALL_SECRETS_PRIVATE_KEY_FILE": "secrets.pem",
    "EMALL_PUBLISHING_PRIVATE_KEY_FILE": "publishing.pem",
    "EMALL_COMMENTS_PRIVATE_KEY_FILE": "comments.pem",
}
"""A hub's own keys, which all its replicas share, below `/keys`."""
HEADER = "# Written by `emall fleet render`; change the list and render again.\n"
Document = dict[str, Any]

MAKE_SECRETS = """\
#!/bin/sh
# Makes a folder of secrets for each hub that has none: the password of its database's owner, and
# its own keys. Keep a copy of it elsewhere: without the keys data cannot be read.
set -eu
umask 077
for hub in {slugs}; do
    folder=secrets/$hub
    [ -d "$folder" ] && continue
    mkdir -p "$folder.part"
    password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \\n')
    name=emall_$(echo "$hub" | tr - _)
    printf %s "$password" > "$folder.part/password"
    printf %s "postgresql://$name:$password@{database_host}/$name" > "$folder.part/database-url"
    for key in identity secrets publishing comments; do
        openssl genpkey -algorithm ed25519 -out "$folder.part/$key.pem"
    done
    openssl pkey -in "$folder.part/identity.pem" -pubout -out "$folder.part/identity-public.pem"
    mv "$folder.part" "$folder"
done
"""

COMPOSE_SECRETS = """\
if [ ! -f secrets/owner_password ]; then
    od -An -N24 -tx1 /dev/urandom | tr -d ' \\n' > secrets/owner_password
fi
# The users of the images, PostgreSQL's and the hub's; the password is for both.
if [ "$(id -u)" = 0 ]; then
    chown -R {uid}:{uid} secrets/*-*
    chown {postgres}:{postgres} secrets/owner_password secrets/*-*/password
fi
"""

COMPOSE_ROLLOUT = """\
#!/bin/sh
# Brings hubs to what the files say, one after the other, canaries first; stops at the first that
# does not become ready. Without arguments all; `./rollout 12-17` only that one.
# To take a version back, set the one before in the list, render, and run it again.
set -eu
pack_of() {{
    case $1 in
{packs}    esac
}}
docker compose up --detach --wait postgres
docker compose run --rm databases
for hub in "${{@:-{slugs}}}"; do
    for one in $hub; do
        echo "$one ..."
        docker compose run --rm "prepare-$one"
        docker compose up --detach --no-deps --wait "hub-$one"
        docker compose run --rm "prepare-$one" emall load "$(pack_of "$one")"
    done
done
docker compose up --detach --wait proxy
"""

KUBERNETES_SECRETS = """\
# Then, for each hub, as often as the folders change:
for hub in {slugs}; do
    kubectl create namespace "emall-$hub" --dry-run=client -o yaml | kubectl apply -f -
    kubectl --namespace "emall-$hub" create secret generic emall-database \\
        --from-file=database-url="secrets/$hub/database-url" --dry-run=client -o yaml \\
        | kubectl apply -f -
    kubectl --namespace "emall-$hub" create secret generic emall-keys \\
        $(for key in identity identity-public secrets publishing comments; do
            echo "--from-file=secrets/$hub/$key.pem"; done) \\
        --dry-run=client -o yaml | kubectl apply -f -
done
# And once for each new hub, as superuser of the shared PostgreSQL:
#   psql --set ON_ERROR_STOP=1 --set password="$(cat secrets/12-17/password)" \\
#       --file databases/12-17.sql
"""

KUBERNETES_ROLLOUT = """\
#!/bin/sh
# Brings hubs to what the manifests say, one after the other, canaries first; stops at the first
# that does not become ready, and takes that one back. Without arguments all.
set -eu
pack_of() {{
    case $1 in
{packs}    esac
}}
for hub in ${{*:-{slugs}}}; do
    echo "$hub ..."
    kubectl --namespace "emall-$hub" delete job emall-prepare --ignore-not-found
    kubectl apply --kustomize "hubs/$hub"
    kubectl --namespace "emall-$hub" wait --for=condition=complete --timeout=10m job/emall-prepare
    if ! kubectl --namespace "emall-$hub" rollout status deployment/emall --timeout=5m; then
        kubectl --namespace "emall-$hub" rollout undo deployment/emall
        exit 1
    fi
    kubectl --namespace "emall-$hub" exec deployment/emall -- emall load "$(pack_of "$hub")"
done
"""


def render(fleet: Fleet, folder: Path) -> list[Path]:
    """Write `compose/` and `kubernetes/` below a folder; return the files.

    Files of an earlier call are replaced, those of hubs that are gone are removed; `secrets` of
    the operator stays.
    """
    files = {
        **{f"compose/{name}": content for name, content in _compose_files(fleet).items()},
        **{f"kubernetes/{name}": content for name, content in _kubernetes_files(fleet).items()},
    }
    for owned in ("compose/databases", "kubernetes/databases", "kubernetes/hubs"):
        shutil.rmtree(folder / owned, ignore_errors=True)
    written: list[Path] = []
    for name, content in sorted(files.items()):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        if content.startswith("#!"):
            file.chmod(0o755)
        written.append(file)
    return written


def database_statements(hub: HubEntry) -> str:
    """Return the SQL that makes a hub's owner, roles and database, if they do not exist.

    psql reads the password from the variable `password`. The owner is no superuser and makes no
    roles, so that no hub can reach another's.
    """
    name = hub.database
    roles = "".join(
        f"SELECT 'CREATE ROLE {role} NOLOGIN' WHERE NOT EXISTS\n"
        f"  (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec\n"
        f"GRANT {role} TO {name};\n"
        for role in role_names(name)
    )
    return (
        f"SELECT 'CREATE ROLE {name} LOGIN' WHERE NOT EXISTS\n"
        f"  (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec\n"
        f"ALTER ROLE {name} PASSWORD :'password';\n"
        f"{roles}"
        f"SELECT 'CREATE DATABASE {name} OWNER {name}' WHERE NOT EXISTS\n"
        f"  (SELECT FROM pg_database WHERE datname = '{name}') \\gexec\n"
        f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC;\n"
    )


def _environment(fleet: Fleet, hub: HubEntry) -> dict[str, str]:
    keys = {setting: f"/keys/{file}" for setting, file in KEY_FILES.items()}
    return {**fleet.settings_of(hub), **keys}


def _slugs(fleet: Fleet) -> str:
    return " ".join(hub.slug for hub in fleet.in_rollout_order())


def _packs(fleet: Fleet) -> str:
    """Return the branches of `case` that tell each hub's pack."""
    return "".join(f"        {hub.slug}) echo '{hub.pack}' ;;\n" for hub in fleet.hubs)


def _prepare_command(hub: HubEntry) -> list[str]:
    """Return the command before a restart: a new version's pack is loaded after it instead."""
    load = f"emall load '{hub.pack}' || echo 'The pack is loaded after the restart.'"
    return ["sh", "-c", f"emall migrate && ({load})"]


def _yaml(content: Mapping[str, Any]) -> str:
    return HEADER + yaml.safe_dump(
        dict(content), sort_keys=False, allow_unicode=True, width=1000, default_flow_style=False
    )


def _image(fleet: Fleet, hub: HubEntry) -> str:
    return f"{fleet.image}:{fleet.version_of(hub)}"


# Compose


def _compose_files(fleet: Fleet) -> dict[str, str]:
    slugs = _slugs(fleet)
    secrets = MAKE_SECRETS.format(slugs=slugs, database_host=fleet.database_host)
    return {
        "compose.yaml": _yaml(_compose(fleet)),
        "Caddyfile": _caddyfile(fleet),
        "make-secrets": secrets + COMPOSE_SECRETS.format(uid=UID, postgres=POSTGRES_UID),
        "rollout": COMPOSE_ROLLOUT.format(slugs=slugs, packs=_packs(fleet)),
        **{f"databases/{hub.slug}.sql": database_statements(hub) for hub in fleet.hubs},
    }


def _locked(image: str, user: int, memory: str) -> Document:
    return {
        "image": image,
        "user": f"{user}:{user}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "init": True,
        "mem_limit": memory,
        "pids_limit": 300,
        "logging": {"driver": "local", "options": {"max-size": "20m", "max-file": "5"}},
    }


def _compose(fleet: Fleet) -> Document:
    services: Document = {
        "proxy": {
            **_locked("${CADDY_IMAGE:-caddy:2}", PROXY_UID, "256m"),
            # Its program does not start without; as this user it gains nothing by it.
            "cap_add": ["NET_BIND_SERVICE"],
            "restart": "unless-stopped",
            "volumes": [
                "./Caddyfile:/etc/caddy/Caddyfile:ro",
                "certificates:/data/caddy",
                "proxy-config:/config/caddy",
            ],
            "tmpfs": ["/tmp:mode=1777,size=16m"],
            "ports": ["80:8080", "443:8443", "443:8443/udp"],
            "networks": ["front", "outside"],
        },
        "postgres": {
            **_locked(f"${{POSTGRES_IMAGE:-{fleet.postgres_image}}}", POSTGRES_UID, "4g"),
            "restart": "unless-stopped",
            "stop_grace_period": "60s",
            # A hub opens 20 connections and up to 50 under load; ten stay for the operator.
            "command": ["postgres", "-c", f"max_connections={50 * len(fleet.hubs) + 10}"],
            "environment": {
                "POSTGRES_USER": "postgres",
                "POSTGRES_PASSWORD_FILE": "/run/secrets/owner_password",
            },
            "secrets": ["owner_password"],
            "volumes": ["database:/var/lib/postgresql"],
            "tmpfs": ["/tmp", f"/run/postgresql:uid={POSTGRES_UID},gid={POSTGRES_UID},mode=0775"],
            "shm_size": "256m",
            "networks": ["inside"],
            "healthcheck": {
                "test": ["CMD", "pg_isready", "--host=127.0.0.1", "--username=postgres"],
                "interval": "5s",
                "timeout": "5s",
                "start_period": "60s",
                "retries": 5,
            },
        },
        "databases": _compose_databases(fleet),
    }
    for hub in fleet.hubs:
        services[f"prepare-{hub.slug}"] = _compose_prepare(fleet, hub)
        services[f"hub-{hub.slug}"] = _compose_hub(fleet, hub)
    return {
        "name": "emall-fleet",
        "services": services,
        "networks": {
            "inside": {"internal": True},
            # Only the proxy and the hubs are on it, so that hubs can trust its addresses.
            "front": {"internal": True, "ipam": {"config": [{"subnet": "172.31.252.0/22"}]}},
            "outside": {},
        },
        "secrets": {
            "owner_password": {"file": "./secrets/owner_password"},
            **{
                name: {"file": f"./secrets/{hub.slug}/{file}"}
                for hub in fleet.hubs
                for name, file in _compose_secrets(hub).items()
            },
        },
        "volumes": {
            "database": {},
            "certificates": {},
            "proxy-config": {},
            **{f"data-{hub.slug}": {} for hub in fleet.hubs},
        },
    }


def _compose_secrets(hub: HubEntry) -> dict[str, str]:
    """Return the files of a hub's secrets, by their names in the compose file."""
    names = ("database-url", "password", *KEY_FILES.values())
    return {f"{hub.slug}-{file.removesuffix('.pem')}": file for file in names}


def _compose_databases(fleet: Fleet) -> Document:
    each = " && ".join(
        f"psql --host postgres --username postgres --set ON_ERROR_STOP=1 "
        f'--set password="$$(cat /run/secrets/{hub.slug}-password)" '
        f"--file /databases/{hub.slug}.sql"
        for hub in fleet.hubs
    )
    image = f"${{POSTGRES_IMAGE:-{fleet.postgres_image}}}"
    return {
        **_locked(image, POSTGRES_UID, "256m"),
        "profiles": ["prepare"],
        "command": [
            "sh",
            "-c",
            f'export PGPASSWORD="$$(cat /run/secrets/owner_password)"; {each}',
        ],
        "secrets": ["owner_password", *(f"{hub.slug}-password" for hub in fleet.hubs)],
        "volumes": ["./databases:/databases:ro"],
        "tmpfs": ["/tmp"],
        "networks": ["inside"],
        "depends_on": {"postgres": {"condition": "service_healthy"}},
    }


def _compose_common(fleet: Fleet, hub: HubEntry) -> Document:
    memory = fleet.resources_of(hub).memory.lower().removesuffix("i")
    return {
        **_locked(_image(fleet, hub), UID, memory),
        "environment": _environment(fleet, hub),
        "secrets": [
            {"source": f"{hub.slug}-database-url", "target": "emall_database_url"},
            *(
                {"source": f"{hub.slug}-{file.removesuffix('.pem')}", "target": f"/keys/{file}"}
                for file in KEY_FILES.values()
            ),
        ],
        "volumes": [f"data-{hub.slug}:/data"],
        "tmpfs": ["/tmp:mode=1777,size=64m"],
    }


def _compose_prepare(fleet: Fleet, hub: HubEntry) -> Document:
    return {
        **_compose_common(fleet, hub),
        "profiles": ["prepare"],
        "command": _prepare_command(hub),
        "networks": ["inside"],
        "depends_on": {"postgres": {"condition": "service_healthy"}},
    }


def _compose_hub(fleet: Fleet, hub: HubEntry) -> Document:
    common = _compose_common(fleet, hub)
    common["environment"] = {**common["environment"], "EMALL_TRUSTED_PROXIES": "172.31.252.0/22"}
    probe = (
        f"import urllib.request as r; r.urlopen('http://127.0.0.1:{PORT}/health/ready', timeout=4)"
    )
    return {
        **common,
        "restart": "unless-stopped",
        "stop_grace_period": "40s",
        "cpus": fleet.resources_of(hub).max_replicas * _cores(fleet.resources_of(hub).cpu),
        "command": ["emall", "serve"],
        "networks": ["inside", "front", "outside"],
        "healthcheck": {
            "test": ["CMD", "python", "-c", probe],
            "interval": "10s",
            "timeout": "5s",
            "start_period": "30s",
            "retries": 3,
        },
    }


def _cores(cpu: str) -> float:
    return int(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)


def _caddyfile(fleet: Fleet) -> str:
    sites = "".join(
        f"\n{hub.host} {{\n\treverse_proxy hub-{hub.slug}:{PORT} {{\n"
        "\t\theader_up -Forwarded\n"
        "\t\theader_up X-Forwarded-For {remote_host}\n"
        "\t\theader_up X-Forwarded-Proto {scheme}\n"
        "\t}\n}\n"
        for hub in fleet.hubs
    )
    return (
        f"{HEADER}{{\n\thttp_port 8080\n\thttps_port 8443\n\tadmin off\n\t"
        f"persist_config off\n}}\n{sites}"
    )


# Kubernetes


def _kubernetes_files(fleet: Fleet) -> dict[str, str]:
    slugs = _slugs(fleet)
    secrets = MAKE_SECRETS.format(slugs=slugs, database_host=fleet.database_host)
    files = {
        "base/kustomization.yaml": _yaml(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": [f"{name}.yaml" for name in _base()],
            }
        ),
        **{f"base/{name}.yaml": _yaml(content) for name, content in _base().items()},
        "make-secrets": secrets + KUBERNETES_SECRETS.format(slugs=slugs),
        "rollout": KUBERNETES_ROLLOUT.format(slugs=slugs, packs=_packs(fleet)),
        **{f"databases/{hub.slug}.sql": database_statements(hub) for hub in fleet.hubs},
    }
    for hub in fleet.hubs:
        overlay = f"hubs/{hub.slug}"
        files[f"{overlay}/kustomization.yaml"] = _yaml(_overlay(fleet, hub))
        files[f"{overlay}/namespace.yaml"] = _yaml(_namespace(hub))
        files[f"{overlay}/ingress.yaml"] = _yaml(_ingress(fleet, hub))
    return files


def _pod(command: list[str], *, probes: bool) -> Document:
    container: Document = {
        "name": "emall",
        "image": "emall",
        "command": command,
        "envFrom": [{"configMapRef": {"name": "emall-settings"}}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "keys", "mountPath": "/keys", "readOnly": True},
            {"name": "database", "mountPath": "/run/secrets", "readOnly": True},
            {"name": "data", "mountPath": "/data"},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
    if probes:
        live = {"httpGet": {"path": "/health/live", "port": "http"}, "timeoutSeconds": 5}
        container |= {
            "ports": [{"name": "http", "containerPort": PORT}],
            "startupProbe": {**live, "periodSeconds": 2, "failureThreshold": 45},
            "livenessProbe": {**live, "periodSeconds": 10, "failureThreshold": 3},
            "readinessProbe": {
                "httpGet": {"path": "/health/ready", "port": "http"},
                "timeoutSeconds": 5,
                "periodSeconds": 5,
                "failureThreshold": 3,
            },
            # The endpoint is gone everywhere before the process stops taking requests.
            "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        }
    return {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "fsGroup": UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "keys", "secret": {"secretName": "emall-keys", "defaultMode": 0o440}},
            {
                "name": "database",
                "secret": {
                    "secretName": "emall-database",
                    "defaultMode": 0o440,
                    "items": [{"key": "database-url", "path": "emall_database_url"}],
                },
            },
            # Visits that wait while the database is away; lost with the pod.
            {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        ],
    }


def _base() -> dict[str, Document]:
    labels = {"app.kubernetes.io/name": "emall"}
    job_labels = {"app.kubernetes.io/name": "emall-prepare"}
    return {
        "deployment": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "emall", "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
                },
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        **_pod(["emall", "serve"], probes=True),
                        "terminationGracePeriodSeconds": 45,
                        "topologySpreadConstraints": [
                            {
                                "maxSkew": 1,
                                "topologyKey": "kubernetes.io/hostname",
                                "whenUnsatisfiable": "ScheduleAnyway",
                                "labelSelector": {"matchLabels": labels},
                            }
                        ],
                    },
                },
            },
        },
        "prepare": {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "emall-prepare", "labels": job_labels},
            "spec": {
                "backoffLimit": 2,
                "template": {
                    "metadata": {"labels": job_labels},
                    "spec": {**_pod([], probes=False), "restartPolicy": "Never"},
                },
            },
        },
        "service": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "emall", "labels": labels},
            "spec": {
                "selector": labels,
                "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
            },
        },
        "disruption-budget": {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "emall", "labels": labels},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}},
        },
        "autoscaler": {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "emall", "labels": labels},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "emall"},
                "minReplicas": 2,
                "maxReplicas": 4,
            },
        },
    }


def _namespace(hub: HubEntry) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": f"emall-{hub.slug}",
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }


def _ingress(fleet: Fleet, hub: HubEntry) -> Document:
    backend = {"service": {"name": "emall", "port": {"name": "http"}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "emall"},
        "spec": {
            **({"ingressClassName": fleet.ingress_class} if fleet.ingress_class else {}),
            "tls": [{"hosts": [hub.host], "secretName": "emall-certificate"}],
            "rules": [
                {
                    "host": hub.host,
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    }


def _overlay(fleet: Fleet, hub: HubEntry) -> Document:
    resources = fleet.resources_of(hub)
    asked = {
        "requests": {"cpu": resources.cpu, "memory": resources.memory},
        "limits": {"memory": resources.memory},
    }
    container = {"name": "emall", "resources": asked}

    def patch(kind: str, name: str, spec: Document) -> Document:
        api = {"Deployment": "apps/v1", "Job": "batch/v1"}.get(kind, "autoscaling/v2")
        content = {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}
        return {"patch": yaml.safe_dump(content, sort_keys=False)}

    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": f"emall-{hub.slug}",
        "resources": ["../../base", "namespace.yaml", "ingress.yaml"],
        "images": [{"name": "emall", "newName": fleet.image, "newTag": fleet.version_of(hub)}],
        "configMapGenerator": [
            {
                "name": "emall-settings",
                "literals": [f"{name}={one}" for name, one in _environment(fleet, hub).items()],
            }
        ],
        "patches": [
            patch("Deployment", "emall", {"template": {"spec": {"containers": [container]}}}),
            patch(
                "Job",
                "emall-prepare",
                {
                    "template": {
                        "spec": {"containers": [{**container, "command": _prepare_command(hub)}]}
                    }
                },
            ),
            patch(
                "HorizontalPodAutoscaler",
                "emall",
                {
                    "minReplicas": resources.replicas,
                    "maxReplicas": resources.max_replicas,
                    "metrics": [
                        {
                            "type": "Resource",
                            "resource": {
                                "name": "cpu",
                                "target": {
                                    "type": "Utilization",
                                    "averageUtilization": resources.cpu_percent,
                                },
                            },
                        }
                    ],
                },
            ),
        ],
    }
