"""Whom a client's certificate names."""

from collections.abc import Sequence

from cryptography import x509


def subject_names(certificate: bytes | None) -> Sequence[bytes]:
    """Return the subject alternative names of a verified certificate (DER), as gRPC does.

    Other kinds of names than DNS names and URIs are no identities here and are left out.
    """
    if certificate is None:
        return ()
    try:
        extension = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return ()
    kinds = (x509.UniformResourceIdentifier, x509.DNSName)
    return tuple(name.value.encode() for name in extension.value if isinstance(name, kinds))
