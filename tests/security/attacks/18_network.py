"""18. Talk to anybody: over the network, to other processes, to the kernel; look up a name; pass a descriptor."""

import array
import ctypes
import socket

def talk(family, kind, address, *, protocol=0):
    with socket.socket(family, kind, protocol) as line:
        line.settimeout(1)
        line.connect(address)
        line.send(b"the reference is ...")
    return "sent"

# --- talk: refused
def tcp(): return talk(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", GOALS["tcp"]))
def tcp6(): return talk(socket.AF_INET6, socket.SOCK_STREAM, ("::1", GOALS["tcp"]))
def udp(): return talk(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", GOALS["udp"]))
def unix(): return talk(socket.AF_UNIX, socket.SOCK_STREAM, GOALS["unix"])
def abstract(): return talk(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + GOALS["abstract"])
def netlink(): return talk(socket.AF_NETLINK, socket.SOCK_RAW, (0, 0))
def raw(): return talk(socket.AF_INET, socket.SOCK_RAW, ("127.0.0.1", 0), protocol=socket.IPPROTO_ICMP)
def packet(): return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
def virtual(): return socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
def crypto(): return socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
def listen(): return socket.create_server(("127.0.0.1", 0))
def pair(): return socket.socketpair()
def name(): return socket.getaddrinfo("headcheck.invalid", 80)
def names_of_this_host(): return socket.getaddrinfo("localhost", 80)
def http():
    import urllib.request
    return urllib.request.urlopen(f"http://127.0.0.1:{GOALS['tcp']}/", timeout=1)
def descriptor_over_the_line():
    line = socket.socket(fileno=3)
    try:
        return line.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
    finally:
        line.detach()
def by_number():
    libc = ctypes.CDLL(None, use_errno=True)
    got = libc.socket(2, 1, 0)
    if got < 0: raise OSError(ctypes.get_errno(), "refused")
    return got
