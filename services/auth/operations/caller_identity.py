"""Who callers are, and whose access keys are.

AWS: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html and
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
"""

from services.auth.errors import access_key_not_found
from services.auth.operations.admission import Admission
from services.auth.ports.credentials import CredentialStore
from services.chassis.context import CallContext
from services.chassis.principal import PrincipalClaims


class CallerIdentity:
    """Tells principals apart."""

    def __init__(self, admission: Admission, credentials: CredentialStore) -> None:
        """Identify callers by `admission`, look access keys up in `credentials`."""
        self._admission = admission
        self._credentials = credentials

    async def caller(self, call: CallContext) -> PrincipalClaims:
        """Return who calls (sts:GetCallerIdentity, which needs no permission).

        Nothing can deny it but the policy of the VPC endpoint that the call came through.
        """
        return (await self._admission.identify_signed(call, "sts:GetCallerIdentity")).claims

    async def account_of_key(self, call: CallContext, access_key_id: str) -> str:
        """Return the account of an access key, active or not (sts:GetAccessKeyInfo).

        Raises DomainError(RESOURCE_NOT_FOUND) for a key that this installation does not know.
        """
        await self._admission.authorize(call, "sts:GetAccessKeyInfo", "*")
        state = await self._credentials.principal_state(access_key_id)
        if state is None:
            raise access_key_not_found(access_key_id)
        return state.account.account_id
