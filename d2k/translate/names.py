"""The names of containers: what Docker accepts, what it invents, and what Kubernetes can call the same thing."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from d2k.errors import InvalidParameter, SystemFailure
from d2k.translate.ids import derived_id

# Room for the suffixes of ReplicaSets and pods (`-5d8f9c7b6d-abcde`) and of d2k's own Services in 63 characters.
LONGEST = 45
HOST_NAME_DIGITS = 12

_CONTAINER_NAME = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_KUBERNETES_NAME = re.compile(rf"(?=.{{1,{LONGEST}}}\Z)[a-z](?:[-a-z0-9]*[a-z0-9])?")

_ADJECTIVE_WORDS = (
    "agile able amber ample arctic autumn blithe bold breezy bright brisk calm candid cheery civil clear clever cool "
    "coral cosy crisp daring deft early earnest easy fair fleet fluent fond frank free fresh gentle gilded glad golden "
    "good grand happy hardy hearty honest humble ivory jolly keen kind lively loyal lucid lunar mellow merry mild neat "
    "nimble noble patient polite proud quick quiet rapid ready rosy serene silver snug solar spry steady sunny swift "
    "tidy tranquil true vivid warm wise witty young zesty"
)
_SURNAME_WORDS = (
    "abel ampere archimedes avogadro babbage banach bell bernoulli bessel bohr boltzmann bolyai boole born bose brahe "
    "braun cantor carnot cauchy cavendish chandrasekhar chebyshev church compton copernicus coulomb curie dalton "
    "darwin davy dedekind descartes dijkstra dirac doppler einstein eratosthenes erdos euclid euler faraday fermat "
    "fermi feynman fibonacci fourier franklin galilei galois gauss germain godel haber hahn hamilton heisenberg "
    "helmholtz hertz hilbert hodgkin hooke hopper hubble hypatia jacobi joule kelvin kepler khwarizmi kovalevskaya "
    "lagrange landau laplace lavoisier leibniz lovelace mach maxwell meitner mendel mendeleev minkowski nernst newton "
    "noether ohm pascal pasteur pauli pavlov planck poincare ptolemy ramanujan riemann rontgen rutherford sagan "
    "schrodinger shannon tesla thales torricelli turing volta watt weyl yukawa"
)
_ADJECTIVES = _ADJECTIVE_WORDS.split()
_SURNAMES = _SURNAME_WORDS.split()


def check_container_name(name: str) -> str:
    """Return the container's name without its optional leading slash.

    Raises InvalidParameter with the engine's text for whatever the engine's own pattern refuses.
    """
    if _CONTAINER_NAME.fullmatch(name) is None:
        raise InvalidParameter(f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
    return name.removeprefix("/")


def random_name(source: random.Random) -> str:
    """Return a name such as `keen_noether` for a container that was created without one."""
    return f"{source.choice(_ADJECTIVES)}_{source.choice(_SURNAMES)}"


def deployment_name(docker_name: str, container_id: str, taken: Callable[[str], bool]) -> str:
    """Return the name of the container's Kubernetes objects: a label of RFC 1035, at most 45 characters.

    It is Docker's own name where Kubernetes accepts that and `taken` does not say that something has it already;
    otherwise a likeness of it with digits that follow from the name alone, so that of two containers that are created
    with one name at once only one finds its name free. When renamed containers have both, it ends in digits of the id.
    Raises SystemFailure when even the longest candidate is taken.
    """
    for candidate in _candidates(docker_name, container_id):
        if not taken(candidate):
            return candidate
    raise SystemFailure(f"no free Kubernetes name for container {docker_name}: every candidate is already in use")


def _candidates(docker_name: str, container_id: str) -> Iterator[str]:
    if _KUBERNETES_NAME.fullmatch(docker_name):
        yield docker_name
    likeness = re.sub(r"[^a-z0-9]+", "-", docker_name.lower()).strip("-")
    if not likeness[:1].isalpha():
        likeness = f"c-{likeness}"
    for source, digits in ((derived_id(docker_name), 8), (container_id, 8), (container_id, 16), (container_id, 32)):
        yield f"{likeness[: LONGEST - digits - 1].rstrip('-')}-{source[:digits]}"


def host_name(container_id: str) -> str:
    """Return the host name that a container gets when the request names none: its short id."""
    return container_id[:HOST_NAME_DIGITS]
