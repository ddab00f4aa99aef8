"""The compose file, .env.example and the Dockerfile agree with the settings."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml
from pydantic import SecretStr

from shared.settings import PREFIX, Settings
from tests.checks.acl import API, NAME, WORKER, documented_rules
from tests.checks.settings_files import ENV_LINE, REST, VARIABLES, default_lines
from tests.stacks.compose_files import (
    ENV_EXAMPLE,
    PASSWORD,
    ROOT,
    compose,
    dockerfile_targets,
    interpolated,
    operators_environment,
    service_environment,
)

IMAGES = ("api", "worker", "worker-gpu")
OURS = (*IMAGES, "worker-optimize")
MARGIN_SECONDS = 15  # from the end of STYLEQUEUE_STOP_SECONDS to that of the process


def test_env_example_names_every_setting_once() -> None:
    named = [name for _, name, _ in ENV_LINE.findall(ENV_EXAMPLE.read_text("utf-8"))]
    assert sorted(named) == sorted(VARIABLES), "make settings"


def test_settings_that_env_example_leaves_out_have_their_defaults() -> None:
    assert ENV_EXAMPLE.read_text("utf-8").partition(REST)[2].strip() == default_lines(), "make settings"


def test_the_compose_file_passes_every_setting_to_every_service_of_ours() -> None:
    services = compose(operators_environment())["services"]
    for name in OURS:
        passed = {key for key in services[name]["environment"] if key.startswith(PREFIX)}
        assert passed == set(VARIABLES), f"{name}: make settings"


def test_the_services_have_valid_settings() -> None:
    environment = operators_environment()
    for name in OURS:
        service = compose(environment)["services"][name]
        settings = Settings.from_environment(service_environment(service, environment))
        role = "api" if name == "api" else "worker"
        user = f"stylequeue-{role}"
        assert settings.redis_url == f"redis://{user}:redis_{role}_password-1234@redis:6379/0"
        assert settings.s3_access_key == SecretStr(user)
        assert settings.s3_public_endpoint_url != settings.s3_endpoint_url
        assert settings.log_format == "json"


def test_the_services_are_not_given_the_storages_root_password() -> None:
    environment = operators_environment()
    services = compose(environment)["services"]
    knowing = {
        name
        for name, service in services.items()
        if environment["S3_ROOT_PASSWORD"] in service_environment(service, environment).values()
    }
    assert knowing == {"seaweedfs", "storage-setup", "minio", "minio-users"}


@pytest.mark.parametrize("user", [NAME, API, WORKER])
def test_redis_users_are_those_of_the_page_on_security(user: str) -> None:
    (script,) = compose(operators_environment())["services"]["redis"]["command"]
    (rules,) = [line.split() for line in script.splitlines() if line.strip().startswith(f"user {user} ")]
    assert rules[2:] == ["on", rules[3], *documented_rules(user)[6:]]


def test_each_role_has_a_password_of_its_own() -> None:
    environment = operators_environment()
    services = compose(environment)["services"]
    told = {name: set(service_environment(services[name], environment).values()) for name in services}
    for name, others in (("api", ("WORKER", "OPERATOR")), ("worker", ("API", "OPERATOR"))):
        texts = " ".join(told[name])
        assert not any(environment[f"REDIS_{other}_PASSWORD"] in texts for other in others)
        assert environment["REDIS_PASSWORD"] not in texts
    assert environment["WORKER_S3_SECRET_KEY"] not in told["api"]
    assert environment["STYLEQUEUE_S3_SECRET_KEY"] not in told["worker"]


def test_no_password_is_written_down() -> None:
    lines = re.findall(
        r"^(\w*(?:PASSWORD|SECRET_KEY)\w*)=(.*)$", ENV_EXAMPLE.read_text("utf-8"), re.MULTILINE
    )
    assert len(lines) >= 4
    assert {value for _, value in lines} == {PASSWORD}
    for file in ("docker-compose.yml", "Dockerfile"):
        assert PASSWORD not in (ROOT / file).read_text("utf-8")


def test_without_a_password_compose_says_which_one_is_missing() -> None:
    with pytest.raises(KeyError, match=r"REDIS_PASSWORD: set it in \.env"):
        compose(operators_environment(REDIS_PASSWORD=""))


def test_new_env_sets_each_password_to_one_of_its_own() -> None:
    script = ROOT / "deploy/new-env.sh"
    made = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=True).stdout
    example = ENV_EXAMPLE.read_text("utf-8")
    passwords = re.findall(r"^\w+=([0-9a-f]{48})$", made, re.MULTILINE)
    assert len(set(passwords)) == len(passwords) == example.count(f"={PASSWORD}\n")
    assert re.sub(r"=[0-9a-f]{48}$", f"={PASSWORD}", made, flags=re.MULTILINE) == example


def test_a_workers_time_to_stop_is_longer_than_its_jobs_are_given() -> None:
    environment = operators_environment()
    for name in ("worker", "worker-gpu"):
        service = compose(environment)["services"][name]
        given = Settings.from_environment(service_environment(service, environment)).stop_seconds
        grace = service["stop_grace_period"]
        assert float(grace.removesuffix("s")) >= given + MARGIN_SECONDS


def test_every_image_has_a_tag_that_says_which() -> None:
    services = compose(operators_environment())["services"]
    for name, service in services.items():
        image, _, tag = service["image"].rpartition(":")
        assert image, name
        if "build" not in service:
            assert re.search(r"\d+[.-]\d+", tag), service["image"]
    for image in re.findall(r"^FROM (\S+:\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE):
        assert re.fullmatch(r"\S+:\d+\.\d+\.\d+-\S+", image)


def test_the_resources_of_each_container_are_bounded() -> None:
    """Compose takes 0 as no limit, for an operator whose machine fits no number."""
    for name, service in compose(operators_environment())["services"].items():
        assert {"mem_limit", "cpus", "pids_limit"} <= service.keys(), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert all(":size=" in mount for mount in service.get("tmpfs", ())), name


def test_redis_may_use_twice_its_maxmemory() -> None:
    environment = operators_environment()
    (most,) = re.findall(r"^(\d+)g$", str(compose(environment)["services"]["redis"]["mem_limit"]))
    assert environment["REDIS_MAXMEMORY"] == "1gb"
    assert int(most) == 2


MEETINGS = {  # who asks whom
    "api": {"redis", "seaweedfs", "minio"},
    "worker": {"redis", "seaweedfs", "minio"},
    "worker-gpu": {"redis", "seaweedfs", "minio"},
    "worker-optimize": {"redis", "seaweedfs", "minio"},
    "operator": {"redis", "seaweedfs", "minio"},
    "storage-setup": {"seaweedfs", "minio"},
    "minio-users": {"minio"},
    "proxy": {"api", "seaweedfs"},
    "prometheus": {"api", "worker", "worker-gpu", "worker-optimize"},
    "grafana": {"prometheus"},
}


def test_containers_meet_those_that_they_ask() -> None:
    composed = compose(operators_environment())
    networks = {name: set(service["networks"]) for name, service in composed["services"].items()}
    assert set().union(*networks.values()) == composed["networks"].keys()
    for name, others in MEETINGS.items():
        for other in others:
            assert networks[name] & networks[other], f"{name} and {other}"


def test_redis_has_no_way_out_and_meets_neither_grafana_prometheus_nor_s3() -> None:
    composed = compose(operators_environment())
    networks = {name: set(service["networks"]) for name, service in composed["services"].items()}
    assert networks["redis"] == {"records"}
    meets = {name for name, others in networks.items() if others & networks["redis"]} - {"redis"}
    assert meets == {"api", "operator", "worker", "worker-gpu", "worker-optimize"}
    internal = {name for name, network in composed["networks"].items() if (network or {}).get("internal")}
    assert internal == {"records", "objects", "watch"}
    for name, service in composed["services"].items():
        if service.get("ports"):
            assert networks[name] - internal, f"{name} publishes a port"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_do_little(name: str) -> None:
    service = compose(operators_environment())["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    target = dockerfile_targets()[service["build"]["target"]]
    assert target.user.split(":")[0] not in ("", "0", "root")
    assert target.health_check
    assert target.command


def test_the_gpu_worker_is_the_worker_with_a_gpu() -> None:
    services = compose(operators_environment())["services"]
    worker, gpu = services["worker"], services["worker-gpu"]
    for part in ("environment", "volumes", "stop_grace_period", "depends_on", "init"):
        assert gpu[part] == worker[part]
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    targets = dockerfile_targets()
    assert targets["worker-gpu"].command == targets["worker"].command


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "1"),
        ("${EMPTY:-2}", "2"),
        ("${EMPTY-2}", ""),
        ("${NONE:-2}", "2"),
        ("${NONE}", ""),
        ("$${A}", "${A}"),
        ("http://${A}:${NONE:-80}/", "http://1:80/"),
    ],
)
def test_variables_are_replaced_as_compose_does(text: str, value: str) -> None:
    assert interpolated(text, {"A": "1", "EMPTY": ""}) == value


def test_the_compose_file_is_read_whole() -> None:
    """A dollar that begins no variable of Compose would be an error there."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert yaml.safe_load(text)["services"].keys() == compose(operators_environment())["services"].keys()


def test_prometheus_finds_what_the_services_are_called_and_where_they_listen() -> None:
    environment = operators_environment()
    services = compose(environment)["services"]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    ports = {name: job["port"] for one in scraped for job in one["dns_sd_configs"] for name in job["names"]}
    worker = Settings.from_environment(service_environment(services["worker"], environment))
    workers = {name for name, one in services.items() if "worker" in one.get("build", {}).get("target", "")}
    assert ports == {"api": 8080} | dict.fromkeys(workers, worker.metrics_port)
    assert worker.metrics_host == "0.0.0.0"
    (key_file,) = {one["authorization"]["credentials_file"] for one in scraped if "authorization" in one}
    assert key_file == f"/run/secrets/{services['prometheus']['secrets'][0]}"


def test_the_files_that_services_mount_are_there() -> None:
    services = compose(operators_environment())["services"]
    mounted = {
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    }
    assert mounted
    assert all((ROOT / path).is_dir() for path in mounted)


def test_the_proxy_is_told_every_name_in_its_template() -> None:
    proxy = compose(operators_environment())["services"]["proxy"]
    (volume,) = proxy["volumes"]
    template = (ROOT / volume.split(":")[0] / "stylequeue.conf.template").read_text("utf-8")
    assert set(re.findall(r"\$\{([A-Z0-9_]+)\}", template)) == proxy["environment"].keys()
    listens = {proxy["environment"][name] for name in ("API_LISTEN", "S3_LISTEN")}
    assert {port.rpartition(":")[2] for port in proxy["ports"]} == listens
