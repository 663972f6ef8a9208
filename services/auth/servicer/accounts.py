"""Accounts and the bootstrap."""

from typing import Any

from craton.auth.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    bootstrap_service_pb2,
    bootstrap_service_pb2_grpc,
)

from services.auth.domain.pages import PageRequest
from services.auth.operations.accounts import Accounts
from services.auth.servicer import messages
from services.chassis.context import current_call
from services.chassis.secret import SecretBytes


class BootstrapServicer(bootstrap_service_pb2_grpc.BootstrapServiceServicer):
    """BootstrapService."""

    def __init__(self, accounts: Accounts, partition: str) -> None:
        """Serve `accounts`."""
        self._accounts = accounts
        self._partition = partition

    async def Bootstrap(self, request: Any, context: Any) -> Any:
        """See the contract."""
        created = await self._accounts.bootstrap(
            SecretBytes(request.bootstrap_token.encode()),
            request.account_id,
            request.display_name,
            request.user_name,
        )
        new = created.administrator
        if new is None or new.key.user is None:
            raise RuntimeError("bootstrapping creates an administrator")
        return bootstrap_service_pb2.BootstrapResponse(
            account=messages.account(created.account),
            user=messages.user(new.key.user, self._partition),
            access_key=messages.access_key(new.key),
            secret_access_key=new.secret.reveal().decode(),
        )


class AccountServicer(account_service_pb2_grpc.AccountServiceServicer):
    """AccountService."""

    def __init__(self, accounts: Accounts, partition: str) -> None:
        """Serve `accounts`."""
        self._accounts = accounts
        self._partition = partition

    async def CreateAccount(self, request: Any, context: Any) -> Any:
        """See the contract."""
        created = await self._accounts.create(
            current_call(),
            request.account_id,
            request.display_name,
            request.administrator_user_name,
            request.request_id,
        )
        response = account_service_pb2.CreateAccountResponse(account=messages.account(created.account))
        new = created.administrator
        if new is not None and new.key.user is not None:
            response.administrator.CopyFrom(messages.user(new.key.user, self._partition))
            response.access_key.CopyFrom(messages.access_key(new.key))
            response.secret_access_key = new.secret.reveal().decode()
        return response

    async def GetAccount(self, request: Any, context: Any) -> Any:
        """See the contract."""
        account = await self._accounts.get(current_call(), request.account_id)
        return account_service_pb2.GetAccountResponse(account=messages.account(account))

    async def ListAccounts(self, request: Any, context: Any) -> Any:
        """See the contract."""
        wanted = PageRequest.parse(request.page_size, request.page_token)
        page = await self._accounts.list(current_call(), wanted)
        return account_service_pb2.ListAccountsResponse(
            accounts=[messages.account(account) for account in page.items], next_page_token=page.next_token
        )

    async def CreateRootAccessKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        new = await self._accounts.create_root_key(current_call(), request.account_id)
        return account_service_pb2.CreateRootAccessKeyResponse(
            access_key=messages.access_key(new.key), secret_access_key=new.secret.reveal().decode()
        )

    async def DeleteRootAccessKey(self, request: Any, context: Any) -> Any:
        """See the contract."""
        await self._accounts.delete_root_key(current_call(), request.account_id, request.access_key_id)
        return account_service_pb2.DeleteRootAccessKeyResponse()
