export const getServerSideProps = () => ({ props: { worker: process.env.NODE_APP_INSTANCE ?? null } });

export default function Page({ worker }) {
  return <p>{`worker ${worker}`}</p>;
}
