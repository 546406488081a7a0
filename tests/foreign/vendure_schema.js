// Makes Vendure's tables as its own configuration and entities define them: node vendure_schema.js HOST DATABASE
const { preBootstrapConfig } = require('@vendure/core');
const { DataSource } = require('typeorm');

async function main([host, database]) {
  const config = await preBootstrapConfig({
    apiOptions: { port: 0, adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
    authOptions: { tokenMethod: 'bearer' },
    dbConnectionOptions: { type: 'postgres', host, database, username: 'postgres', synchronize: true },
    paymentOptions: { paymentMethodHandlers: [] },
  });
  const source = new DataSource(config.dbConnectionOptions);
  await source.initialize();
  await source.destroy();
}

main(process.argv.slice(2)).then(() => process.exit(0), error => { console.error(error); process.exit(1); });
