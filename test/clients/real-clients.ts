const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

/** What clients of 2026 say of themselves, and where they have people sent. */
export const REAL_CLIENTS = [
    {
        name: 'Claude',
        url: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
        document: {
            client_id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
            client_name: 'Claude',
            redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
            grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none'
        },
        redirects: ['https://claude.ai/api/mcp/auth_callback'],
        grants: ['authorization_code', 'refresh_token']
    },
    {
        name: 'Claude Code',
        url: 'https://claude.ai/oauth/claude-code-client-metadata',
        document: {
            client_id: 'https://claude.ai/oauth/claude-code-client-metadata',
            client_name: 'Claude Code',
            redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none'
        },
        redirects: ['http://localhost:54545/callback', 'http://127.0.0.1:1/callback', 'http://localhost/callback'],
        grants: ['authorization_code', 'refresh_token']
    },
    {
        name: 'ChatGPT',
        url: 'https://chatgpt.com/oauth/client.json',
        document: {
            client_id: 'https://chatgpt.com/oauth/client.json',
            client_name: 'ChatGPT',
            redirect_uris: [
                'https://chatgpt.com/connector_platform_oauth_redirect',
                'https://chatgpt.com/connector/oauth/abc'
            ],
            grant_types: ['authorization_code', 'refresh_token'],
            token_endpoint_auth_method: 'private_key_jwt',
            token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
            jwks_uri: 'https://chatgpt.com/oauth/jwks.json'
        },
        redirects: ['https://chatgpt.com/connector_platform_oauth_redirect', 'https://chatgpt.com/connector/oauth/abc'],
        grants: ['authorization_code', 'refresh_token']
    },
    {
        name: 'Codex',
        url: 'https://chatgpt.com/oauth/codex/client.json',
        document: {
            client_id: 'https://chatgpt.com/oauth/codex/client.json',
            client_name: 'Codex',
            redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
            grant_types: ['authorization_code', 'refresh_token'],
            token_endpoint_auth_method: 'none'
        },
        redirects: ['http://127.0.0.1:1455/callback', 'http://localhost:9999/callback'],
        grants: ['authorization_code', 'refresh_token']
    },
    {
        name: 'VS Code',
        url: 'https://vscode.dev/oauth/client-metadata.json',
        document: {
            client_id: 'https://vscode.dev/oauth/client-metadata.json',
            client_name: 'Visual Studio Code',
            client_uri: 'https://code.visualstudio.com',
            redirect_uris: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
            grant_types: ['authorization_code', 'refresh_token', DEVICE],
            response_types: ['code'],
            token_endpoint_auth_method: 'none'
        },
        redirects: ['http://127.0.0.1:33418/', 'http://127.0.0.1:60000/', 'https://vscode.dev/redirect'],
        grants: ['authorization_code', 'refresh_token', DEVICE]
    }
];
